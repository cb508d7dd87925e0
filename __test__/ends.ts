/** Loaded before every test file: once its tests are over, nothing that a failed one has left open holds the process. */
import { registerCompletionHandler } from 'ava';

registerCompletionHandler(() => process.exit());
