/** What went wrong while something sounded. */
import { inspect } from 'node:util';
import { invalidType, readOnly, show, unknownOption } from './errors.js';
import { integer } from './options.js';

const BITS = {
  inputUnderflow: 1,
  inputOverflow: 2,
  outputUnderflow: 4,
  outputOverflow: 8,
  primingOutput: 16,
} as const;
type Name = keyof typeof BITS;
const ALL = 31;

// In the order in which they are named.
const TEXTS: [Name, string][] = [
  ['inputOverflow', 'input overflow'],
  ['inputUnderflow', 'input underflow'],
  ['outputOverflow', 'output overflow'],
  ['outputUnderflow', 'output underflow'],
  ['primingOutput', 'priming output'],
];

let assign: (flags: CallbackFlags, bits: number) => void;

/**
 * Flags of a block, or of a whole job: `inputUnderflow` (input was missing, silence was heard instead), `inputOverflow`
 * (input was lost), `outputUnderflow` (output was missing, silence was played instead), `outputOverflow` (output was lost),
 * `primingOutput` (this output comes before the first frame). All but the last one can be assigned; any other property cannot.
 *
 * @example
 * const status = await play(data);
 * if (status.any) console.log(`something went wrong: ${status}`); // "output underflow"
 */
export class CallbackFlags {
  #own = 0;
  #cleared = 0;

  /**
   * @param flags Bits: 1 input underflow, 2 input overflow, 4 output underflow, 8 output overflow, 16 priming. None by default.
   * @throws TypeError if it is no number, RangeError if it is no whole number from 0 to 31.
   */
  constructor(flags: number = 0) {
    this.#own = integer(0, ALL)(flags, 'flags');
    Object.preventExtensions(this);
  }

  #get(name: Name): boolean {
    return (this.valueOf() & BITS[name]) !== 0;
  }

  #set(name: Name, value: boolean): void {
    if (typeof value !== 'boolean') throw invalidType(`${name} must be a boolean, got ${show(value)}`);
    const bit = BITS[name];
    this.#own = value ? this.#own | bit : this.#own & ~bit;
    this.#cleared = value ? this.#cleared & ~bit : this.#cleared | bit;
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
  /** Only read: assigning throws `ERR_READ_ONLY`. */
  get primingOutput(): boolean {
    return this.#get('primingOutput');
  }

  /** Whether any flag is set. */
  get any(): boolean {
    return this.valueOf() !== 0;
  }

  /**
   * Adds the flags of another.
   *
   * @throws TypeError if it is no `CallbackFlags`.
   */
  merge(other: CallbackFlags): this {
    if (!(other instanceof CallbackFlags)) throw invalidType(`expected CallbackFlags, got ${show(other)}`);
    this.#own |= other.valueOf();
    return this;
  }

  static {
    assign = (flags, bits) => {
      flags.#own = bits;
      flags.#cleared = 0;
    };
  }

  /** The bits, as the constructor takes them. */
  valueOf(): number {
    return this.#own | ((sources.get(this)?.() ?? 0) & ~this.#cleared);
  }

  /** The names of the flags that are set, such as "input overflow, output underflow"; empty without any. */
  toString(): string {
    return TEXTS.flatMap(([name, text]) => (this.#get(name) ? [text] : [])).join(', ');
  }

  [inspect.custom](): string {
    return `<CallbackFlags: ${this.toString() || 'no flags set'}>`;
  }
}

/** Makes flags that are used again say something else, whatever was assigned to them. */
export const assignFlags = (flags: CallbackFlags, bits: number): void => assign(flags, bits);

const sources = new WeakMap<CallbackFlags, () => number>();

/** Flags that go on changing while a job runs. One that was assigned `false` stays so. */
export function liveFlags(read: () => number): CallbackFlags {
  const flags = new CallbackFlags();
  sources.set(flags, read);
  return flags;
}

// Assigning what cannot be assigned has to throw in sloppy code too, where a missing setter is passed over in silence: so
// everything gets a setter, and whatever is not there at all arrives at the end of the prototype chain.
for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(CallbackFlags.prototype))) {
  if (property.set) continue;
  const { get = () => property.value, enumerable } = property as PropertyDescriptor;
  const set = () => {
    throw readOnly(`${name} of CallbackFlags cannot be assigned`);
  };
  Object.defineProperty(CallbackFlags.prototype, name, { get, set, enumerable: enumerable ?? false });
}
const end = new Proxy(Object.create(Object.prototype), {
  set(_, name) {
    throw unknownOption(`CallbackFlags have no '${String(name)}'`);
  },
});
Object.setPrototypeOf(CallbackFlags.prototype, end);

/** How often each went wrong, as streams tell it. */
export function xrunsOf(handle: { xruns(): number[] }) {
  const [inputUnderflow = 0, inputOverflow = 0, outputUnderflow = 0, outputOverflow = 0] = handle.xruns();
  return Object.freeze({ inputOverflow, inputUnderflow, outputUnderflow, outputOverflow });
}
