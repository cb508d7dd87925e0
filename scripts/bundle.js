// Bundles the facade: each file that Node has to load costs half a millisecond. What runs in a processor's thread is bundled
// apart and put in as text, so that nobody who bundles or packs this package again has to find a second file.
import { build } from 'esbuild';

const common = { bundle: true, platform: 'node', target: 'node20', logLevel: 'warning' };

const worker = await build({
  ...common,
  entryPoints: ['src/processor-worker.ts'],
  format: 'iife',
  minify: true,
  write: false,
});
// The thread's text may be taken for a module or for a script: `require` is neither's.
const require =
  "import('node:worker_threads').then(({workerData})=>import('node:module').then(({createRequire})=>{";
const text = `${require}const require=createRequire(workerData.addon);${worker.outputFiles[0].text}}))`;

await build({
  ...common,
  entryPoints: ['src/index.ts'],
  format: 'esm',
  keepNames: true,
  external: ['../index.js'],
  define: { PROCESSOR_WORKER: JSON.stringify(text) },
  outfile: 'dist/index.js',
});
await build({ ...common, bundle: false, entryPoints: ['src/cli.ts'], format: 'esm', outfile: 'dist/cli.js' });
