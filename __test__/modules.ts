/** Modules that tests write. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TestFn } from 'ava';

/** A folder that goes with the test file, and what writes a module of its own into it. */
export function modules(test: TestFn): { folder: string; module: (text: string, extension?: string) => URL } {
  const folder = mkdtempSync(join(tmpdir(), 'processors-'));
  test.after.always(() => rmSync(folder, { recursive: true }));
  let files = 0;
  const module = (text: string, extension = 'mjs') => {
    const path = join(folder, `${files++}.${extension}`);
    writeFileSync(path, text);
    return pathToFileURL(path);
  };
  return { folder, module };
}
