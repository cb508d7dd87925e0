/** What runs in a processor's thread: a module, or the text of a function. */
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { invalidType } from './errors.js';

/** How a processor is started. */
export interface ProcessorPlan {
  /** The address of its module, */
  module: string | undefined;
  /** or an expression whose value is the factory. */
  source: string | undefined;
  /** Can be cloned. */
  options: unknown;
  handoff: string;
}

/** @throws TypeError for a function that has no text, or options that cannot be cloned. */
export function planProcessor(processor: unknown, options: unknown, handoff = 'auto'): ProcessorPlan {
  try {
    structuredClone(options);
  } catch (error) {
    const message = `processorOptions must be what structuredClone can copy: ${(error as Error).message}`;
    throw invalidType(message, error);
  }
  const module = processor instanceof URL ? unpacked(processor).href : undefined;
  const source = typeof processor === 'function' ? expressionOf(processor as () => unknown) : undefined;
  return { module, source, options, handoff };
}

/** Electron leaves what its archive does not hold (`asarUnpack`) beside it, where worker threads can load it in any version. */
function unpacked(url: URL): URL {
  if (url.protocol !== 'file:' || !url.pathname.includes('.asar/')) return url;
  const beside = pathToFileURL(fileURLToPath(url).replace(/\.asar(?=[\\/])/, '.asar.unpacked'));
  return existsSync(beside) ? beside : url;
}

function parses(expression: string): boolean {
  try {
    new Function(`"use strict"; return (${expression}\n)`);
    return true;
  } catch {
    return false;
  }
}

/** A function's text as an expression: that of a method stands in an object. */
function expressionOf(factory: () => unknown): string {
  const text = Function.prototype.toString.call(factory);
  const found = [text, `Object.values({${text}\n})[0]`].find(parses);
  if (found === undefined || /\{\s*\[native code\]\s*\}\s*$/.test(text)) {
    throw invalidType(
      'processor must be a function with a text of its own, got one that is bound or native: it is sent to another thread as text',
    );
  }
  return found;
}
