import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { build } from 'esbuild';
import { build as viteBuild } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bundlers-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const APP = `
  import { OutputStream, virtual } from 'sounddevice';
  const device = virtual.createDevice({ clock: 'manual', inputs: 0, outputs: 1 });
  const inline = ({ options }) => {
    function fill(output) { output.fill(options.gain / 2); }
    return (output) => fill(output);
  };
  for (const processor of [new URL('./gain.js', import.meta.url), inline]) {
    const stream = new OutputStream({ device: device.index, channels: 1, processor, processorOptions: { gain: 0.5 } });
    await stream.start().ready;
    await device.advance(256);
    console.log(device.played()[0][0]);
    await stream.close();
  }`;
const GAIN = `
  import { defineOutputProcessor } from 'sounddevice';
  import { half } from './half.js';
  export default defineOutputProcessor(({ options }) => (output) => { output.fill(options.gain * half); });`;

mkdirSync(join(folder, 'node_modules'));
symlinkSync(root, join(folder, 'node_modules/sounddevice'));
for (const [name, text] of Object.entries({
  'package.json': '{ "type": "module" }',
  'app.js': APP,
  'gain.js': GAIN,
  'half.js': 'export const half = 0.5;',
})) {
  writeFileSync(join(folder, name), text);
}

const WAYS = {
  'with the package beside it': { packages: 'external' },
  'with the package in it': { external: ['*.node'] },
  'with the package in it, minified': { external: ['*.node'], minify: true },
  'with the package in it, names kept': { external: ['*.node'], keepNames: true },
} as const;

/** Runs what a bundler has made, with the addon beside it: each processor plays 0.25. */
function plays(t: ExecutionContext, outdir: string): void {
  for (const addon of readdirSync(root).filter((name) => name.endsWith('.node'))) {
    copyFileSync(join(root, addon), join(outdir, addon));
  }
  const { stdout, stderr } = spawnSync(process.execPath, ['app.js'], {
    cwd: outdir,
    encoding: 'utf8',
    timeout: 60_000,
  });
  t.is(stdout, '0.25\n0.25\n', stderr.slice(0, 1000));
}

for (const [way, options] of Object.entries(WAYS)) {
  test(`processors run in what esbuild makes of them, ${way}`, async (t) => {
    const outdir = join(folder, way.replaceAll(/\W+/g, '-'));
    await build({
      ...options,
      ...('external' in options ? { external: [...options.external] } : {}),
      absWorkingDir: folder,
      entryPoints: ['app.js', 'gain.js'],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outdir,
      logLevel: 'error',
    } as Parameters<typeof build>[0]);
    plays(t, outdir);
  });
}

const VITE_WAYS: Record<string, { ssr: object; minify: boolean; external: RegExp[] }> = {
  'with the package beside it': { ssr: { external: ['sounddevice'] }, minify: false, external: [] },
  'with the package in it, minified': { ssr: { noExternal: true }, minify: true, external: [/\.node$/] },
};

for (const [way, { ssr, minify, external }] of Object.entries(VITE_WAYS)) {
  test(`processors run in what Vite makes of them, ${way}`, async (t) => {
    const outDir = join(folder, `vite-${way.replaceAll(/\W+/g, '-')}`);
    await viteBuild({
      configFile: false,
      root: folder,
      logLevel: 'error',
      ssr,
      build: {
        ssr: true,
        target: 'node20',
        outDir,
        minify,
        rollupOptions: {
          external,
          input: ['app.js', 'gain.js'].map((name) => join(folder, name)),
          // Chunks too: the addon is looked for beside what asks for it.
          output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' },
        },
      },
    });
    plays(t, outDir);
  });
}
