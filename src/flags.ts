/** What went wrong while something sounded. */
import { inspect } from 'node:util';
import { invalidType, readOnly, show } from './errors.js';

const BITS = {
  inputUnderflow: 1,
  inputOverflow: 2,
  outputUnderflow: 4,
  outputOverflow: 8,
  primingOutput: 16,
} as const;
type Name = keyof typeof BITS;

const TEXTS = ['input overflow', 'input underflow', 'output overflow', 'output underflow', 'priming output'];
const ORDER: Name[] = [
  'inputOverflow',
  'inputUnderflow',
  'outputOverflow',
  'outputUnderflow',
  'primingOutput',
];

/** Bits: 1 input underflow, 2 input overflow, 4 output underflow, 8 output overflow, 16 priming. */
export class CallbackFlags {
  #own = 0;

  constructor(flags: number = 0) {
    if (typeof flags !== 'number') throw invalidType(`flags must be a number, got ${show(flags)}`);
    this.#own = flags & 31;
    Object.preventExtensions(this);
  }

  /** Flags that go on changing while a job runs. */
  static live(read: () => number): CallbackFlags {
    const flags = new CallbackFlags();
    sources.set(flags, read);
    return flags;
  }

  #get(name: Name): boolean {
    return (this.valueOf() & BITS[name]) !== 0;
  }

  #set(name: Name, value: boolean): void {
    if (typeof value !== 'boolean') throw invalidType(`${name} must be a boolean, got ${show(value)}`);
    this.#own = value ? this.#own | BITS[name] : this.#own & ~BITS[name];
  }

  get inputUnderflow(): boolean {
    return this.#get('inputUnderflow');
  }
  set inputUnderflow(value: boolean) {
    this.#set('inputUnderflow', value);
  }
  get inputOverflow(): boolean {
    return this.#get('inputOverflow');
  }
  set inputOverflow(value: boolean) {
    this.#set('inputOverflow', value);
  }
  get outputUnderflow(): boolean {
    return this.#get('outputUnderflow');
  }
  set outputUnderflow(value: boolean) {
    this.#set('outputUnderflow', value);
  }
  get outputOverflow(): boolean {
    return this.#get('outputOverflow');
  }
  set outputOverflow(value: boolean) {
    this.#set('outputOverflow', value);
  }
  get primingOutput(): boolean {
    return this.#get('primingOutput');
  }
  set primingOutput(_value: boolean) {
    throw readOnly('primingOutput cannot be assigned');
  }

  get any(): boolean {
    return this.valueOf() !== 0;
  }

  /** Adds the flags of another. */
  merge(other: CallbackFlags): this {
    if (!(other instanceof CallbackFlags)) throw invalidType(`expected CallbackFlags, got ${show(other)}`);
    this.#own |= other.valueOf();
    return this;
  }

  valueOf(): number {
    return this.#own | (sources.get(this)?.() ?? 0);
  }

  toString(): string {
    return ORDER.flatMap((name, position) => (this.#get(name) ? [TEXTS[position]] : [])).join(', ');
  }

  [inspect.custom](): string {
    return `<CallbackFlags: ${this.toString() || 'no flags set'}>`;
  }
}

const sources = new WeakMap<CallbackFlags, () => number>();
