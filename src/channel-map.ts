/** Channel maps. */
import { invalidChannels, invalidType, invalidValue, outOfRange, show } from './errors.js';
import { addon } from './native.js';
import * as is from './options.js';

/** A count, or a list: numbers are the device's channels from 0, names are positions ('left', 'lfe', …); 'mono' or -1 mixes all. */
export type ChannelMap = number | readonly (number | string)[];

let names: Readonly<Record<string, number>> | undefined;

/**
 * Names of positions, such as 'left', and their numbers as PulseAudio counts them; 'mono' is -1. Where the system does not tell
 * where a channel is, as only PulseAudio does, the name stands for the device's channel of that number.
 *
 * @example
 * channelNameMap().lfe; // 6
 */
export function channelNameMap(): Readonly<Record<string, number>> {
  if (names === undefined) {
    const all = Object.entries(addon.channelNames());
    all.sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1));
    names = Object.freeze(Object.fromEntries(all));
  }
  return names;
}

function channel(value: unknown, name: string): number | string {
  if (typeof value === 'string') {
    if (!Object.hasOwn(channelNameMap(), value)) {
      throw invalidValue(`${name} must be positions such as 'left', 'lfe' or 'mono', got ${show(value)}`);
    }
    return value;
  }
  if (typeof value !== 'number')
    throw invalidType(`${name} must be numbers and names of channels, got ${show(value)}`);
  is.whole(value, name);
  if (value < -1) throw outOfRange(`${name} must be channels from 0, or -1 for all, got ${value}`);
  if (value > is.MOST_CHANNELS)
    throw invalidChannels(`expected channels up to ${is.MOST_CHANNELS}, got ${value}`);
  return value;
}

/** As an option. */
export const channelMap: is.Check<ChannelMap> = (value, name) => {
  if (typeof value === 'number') return is.channels(value, name);
  if (!Array.isArray(value)) {
    throw invalidType(`${name} must be a number or a list of channels, got ${show(value)}`);
  }
  if (value.length === 0) throw invalidChannels(`expected at least one, got ${name} []`);
  return Array.from(value, (item) => channel(item, name));
};

/** How many columns that makes. */
export const columns = (map: ChannelMap): number => (typeof map === 'number' ? map : map.length);
