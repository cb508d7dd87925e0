/** How this program appears in the system's mixer. */
import { invalidType, native, show } from './errors.js';
import { addon } from './native.js';

/**
 * How this program appears in the system's mixer: on PulseAudio as the application's name, on JACK as the client's.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED` on Windows and macOS, which show no such names.
 */
export function getName(): string {
  return native(() => addon.programName());
}

/**
 * Changes that for everything opened from now on. Before, it is the name of the program's main file.
 *
 * @throws SoundDeviceError `ERR_NOT_SUPPORTED` on Windows and macOS; TypeError, RangeError for what is no name.
 */
export function setName(name: string): void {
  if (typeof name !== 'string') throw invalidType(`name must be a string, got ${show(name)}`);
  native(() => addon.setProgramName(name));
}
