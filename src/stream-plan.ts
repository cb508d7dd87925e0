/** Options of streams → what the addon opens. */
import { chosenDevice, defaults } from './defaults.js';
import { bytesPerSample, type DType } from './dtype.js';
import { checkPossible, type Kind } from './options.js';
import { type ProcessorPlan, planProcessor } from './processor-plan.js';
import { unpacked } from './settings.js';
import { checkStreamOptions } from './stream-options.js';

type Callable = (...args: unknown[]) => unknown;

/** One direction as it was asked for. */
export interface SidePlan {
  dtype: DType;
  /** Bytes per sample. */
  size: number;
}

/** A stream to be opened. */
export interface StreamPlan {
  raw: boolean;
  input: SidePlan | undefined;
  output: SidePlan | undefined;
  blockSize: number;
  callback: Callable | undefined;
  processor: ProcessorPlan | undefined;
  finishedCallback: Callable | undefined;
  signal: AbortSignal | undefined;
  /** It may go on with another device. */
  follows: boolean;
  /** As the addon takes them. */
  options: object;
}

export type Direction = Kind | 'duplex';

/** @throws TypeError or RangeError for wrong options; the signal's reason if it is aborted already. */
export function planStream(direction: Direction, raw: boolean, options: unknown): StreamPlan {
  const given = checkStreamOptions(options, direction);
  const processor =
    given.processor === undefined
      ? undefined
      : planProcessor(given.processor, given.processorOptions, given.handoff);
  const side = (kind: Kind) => {
    if (direction !== 'duplex' && direction !== kind) return undefined;
    const which = kind === 'input' ? 0 : 1;
    const device = given.device?.[which] ?? chosenDevice(kind);
    const channels = given.channels?.[which] ?? defaults.channels[kind];
    return {
      dtype: given.dtype?.[which] ?? defaults.dtype[kind],
      latency: given.latency?.[which] ?? defaults.latency[kind],
      ...(device === undefined ? {} : { device }),
      ...(channels === null ? {} : { channels }),
      ...unpacked(given.extraSettings?.[which] ?? defaults.extraSettings[kind]),
    };
  };
  const [input, output] = [side('input'), side('output')];
  const chosen = (input && given.device?.[0]) ?? (output && given.device?.[1]);
  const sampleRate = given.sampleRate ?? defaults.sampleRate;
  if (sampleRate !== null) checkPossible(sampleRate);
  const blockSize = given.blockSize ?? defaults.blockSize;
  // A stream that was opened on a device of the user's choice stays there.
  const follows = given.onDeviceLost === 'follow-default' && chosen === undefined;
  const sided = (one: typeof input) => one && { dtype: one.dtype, size: bytesPerSample(one.dtype) };
  return {
    raw,
    input: sided(input),
    output: sided(output),
    blockSize,
    callback: given.callback as Callable | undefined,
    processor,
    finishedCallback: given.finishedCallback as Callable | undefined,
    signal: given.signal,
    follows,
    options: {
      ...(input ? { input } : {}),
      ...(output ? { output } : {}),
      ...(sampleRate === null ? {} : { sampleRate }),
      blockSize,
      clipOff: given.clipOff ?? defaults.clipOff,
      ditherOff: given.ditherOff ?? defaults.ditherOff,
      neverDropInput: given.neverDropInput ?? defaults.neverDropInput,
      primeOutput:
        given.primeOutputBuffersUsingStreamCallback ?? defaults.primeOutputBuffersUsingStreamCallback,
      called: given.callback !== undefined,
      follow: follows,
      processor: processor !== undefined,
    },
  };
}
