// What has to be inferred from the declarations: as the contract says, to the letter.
import { once } from 'node:events';
import { Stream, InputStream, OutputStream, RawStream, RawInputStream, RawOutputStream, CallbackStop, COMPLETE, defineProcessor, createReadStream, play, rec, playrec, AudioData, WasapiSettings } from 'sounddevice';
import type { ProcessorContext, CallbackFlags, Job } from 'sounddevice';
import type { DType } from 'sounddevice';
// @ts-expect-error not exported: it has no value at run time
import { StreamBase } from 'sounddevice';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
declare function is<T extends true>(ok?: T): void;

// pairs
const s = new Stream({ dtype: ['int16', 'float32'], callback(input, output, frames, time, status) {
  is<Equal<typeof input, Int16Array>>(); is<Equal<typeof output, Float32Array>>(); is<Equal<typeof frames, number>>();
  output.set(input); if (status.inputOverflow && time.currentTime > 1) throw new CallbackStop();
} });
is<Equal<typeof s, Stream<'int16', 'float32'>>>();
is<Equal<typeof s.dtype, readonly [input: 'int16', output: 'float32']>>();
is<Equal<Awaited<ReturnType<typeof s.read>>['data'], Int16Array>>();
// one value, none, null sides
new Stream({ dtype: 'int32', callback: (i, o) => { is<Equal<typeof i, Int32Array>>(); is<Equal<typeof o, Int32Array>>(); } });
new Stream({ callback(i, o) { is<Equal<typeof i, Float32Array>>(); is<Equal<typeof o, Float32Array>>(); } });
new Stream({ dtype: [null, 'int16'], callback(i, o) { is<Equal<typeof i, Float32Array>>(); is<Equal<typeof o, Int16Array>>(); } });
new Stream({ dtype: ['int16', null], callback(i, o) { is<Equal<typeof i, Int16Array>>(); is<Equal<typeof o, Float32Array>>(); } });
is<Equal<typeof s0, Stream<'float32', 'float32'>>>(); const s0 = new Stream();
// order of keys does not matter
new Stream({ callback(i, o) { is<Equal<typeof i, Int8Array>>(); o.set(i); }, dtype: ['int8', 'float64'] });

// reading
const i16 = new InputStream({ dtype: 'int16' });
const got = await i16.read(10); is<Equal<typeof got.data, Int16Array>>(); got.time.inputBufferAdcTime;
is<Equal<Awaited<ReturnType<InputStream['read']>>['data'], Float32Array>>();
const i24 = new InputStream({ dtype: 'int24', channels: 1 }); is<Equal<ReturnType<typeof i24.readSync>['data'], Uint8Array>>();
for await (const b of i16) { is<Equal<typeof b.data, Int16Array>>(); break; }
for await (const a of i16.readable) { is<Equal<typeof a, Int16Array>>(); break; }
i16.readInto(new Int16Array(8));
// @ts-expect-error another dtype
i16.readInto(new Float32Array(8));
// @ts-expect-error no output
i16.write(new Int16Array(2));

// writing
const o16 = new OutputStream({ dtype: 'int16', callback(out) { is<Equal<typeof out, Int16Array>>(); out.fill(0); return COMPLETE; } });
o16.writeSync(new Int16Array(2)); o16.writeSync([new Int16Array(2), new Int16Array(2)]);
// @ts-expect-error dtype mismatch
o16.writeSync(new Float32Array(2));
// @ts-expect-error a number as result by accident
{ let n = 0; new OutputStream({ callback: () => n++ }); }
// @ts-expect-error async callback
new OutputStream({ async callback() {} });
// @ts-expect-error unknown option
new OutputStream({ dtype: 'int16', foo: 1 });
// @ts-expect-error unknown dtype
new InputStream({ dtype: 'float16' });
// @ts-expect-error callback and processor
new Stream({ callback() {}, processor: new URL('file:///x.js') });
// @ts-expect-error handoff belongs to processors
new Stream({ callback() {}, handoff: 'sync' });
// @ts-expect-error neverDropInput is for duplex
new InputStream({ neverDropInput: true });

// raw
const raw = new RawStream({ dtype: ['int24', 'int16'], callback(i, o) { is<Equal<typeof i, Buffer>>(); i.copy(o); } });
for await (const b of new RawInputStream()) { is<Equal<typeof b.data, Buffer>>(); break; }
new RawOutputStream({ dtype: 'int16' }).writeSync(new DataView(new ArrayBuffer(4))); raw.writeSync(new ArrayBuffer(4));

// dtype known at run time only
declare const d: DType; const any = new InputStream({ dtype: d }); is<Equal<typeof any, InputStream<DType>>>();
function meter(x: InputStream<DType>) { return x.readAvailable; } meter(i16); meter(i24);

// processors
new Stream({ processor: new URL('./gain.js', import.meta.url), processorOptions: { gain: 2 }, handoff: 'sync' });
new Stream({ dtype: 'int16', processor: ({ options }) => { is<Equal<typeof options, unknown>>(); return (i, o) => { is<Equal<typeof i, Int16Array>>(); o.set(i); }; } });
new Stream({ processor: ({ options }: ProcessorContext<{ gain: number }>) => (i, o) => { for (let k = 0; k < o.length; k++) o[k] = i[k]! * options.gain; } });
const gain = defineProcessor<{ gain: number }, 'int16', 'float32'>(({ options, dtype }) => (i, o) => {
  is<Equal<typeof i, Int16Array>>(); is<Equal<typeof o, Float32Array>>(); is<Equal<typeof dtype, readonly ['int16', 'float32']>>(); o[0] = i[0]! * options.gain; });
new Stream({ dtype: ['int16', 'float32'], processor: gain });

// events, disposal, subclassing
s.on('error', e => e.message).once('xrun', f => f.outputUnderflow).off('finished', () => {});
const [e] = await once(s, 'error'); e;
// @ts-expect-error no such event
s.on('finish', () => {});
await using w = new OutputStream({ dtype: 'float32' }).start(); w.time;
class Tap extends InputStream<'int16'> { constructor() { super({ dtype: 'int16', callback(x) { is<Equal<typeof x, Int16Array>>(); } }); } } new Tap().start().unref();
createReadStream({ dtype: 'int16' }).pipe(process.stdout);

// samples and convenience functions
const a_ = new AudioData(new Int16Array(4), { channels: 2 }); is<Equal<typeof a_, AudioData<'int16'>>>();
const b_ = new AudioData(new Uint8Array(6), { channels: 2, dtype: 'int24' }); is<Equal<typeof b_, AudioData<'int24'>>>();
// @ts-expect-error the array is not float32
new AudioData(new Int16Array(4), { channels: 2, dtype: 'float32' });
const p_ = await playrec(a_, { channels: 1 }); is<Equal<typeof p_, AudioData<'int16'>>>();
const q_ = await playrec(new Float64Array(4), { channels: 1, dtype: 'int16' }); is<Equal<typeof q_, AudioData<'int16'>>>();
const r_ = playrec(new Int32Array(4), { channels: 1, blocking: true }); is<Equal<typeof r_, AudioData<'int32'>>>();
const f_ = play([0, 1], 48000, { blocking: true }); is<Equal<typeof f_, CallbackFlags>>();
const j_ = play(a_); is<Equal<typeof j_, Job<CallbackFlags>>>(); j_.unref();
const x_ = await rec(10, { dtype: 'int16' }); is<Equal<typeof x_, AudioData<'int16'>>>();
const y_ = await rec(undefined, { out: a_ }); is<Equal<typeof y_, AudioData<'int16'>>>();
const z_ = await rec(null, { out: new Float32Array(2), channels: 1 }); is<Equal<typeof z_, AudioData<'float32'>>>();
// @ts-expect-error not a settings object
new Stream({ extraSettings: new Date() });
new Stream({ extraSettings: [null, new WasapiSettings({ exclusive: true })] });
// @ts-expect-error the data says how many
play(a_, { channels: 2 });
const k_ = await playrec(new Int16Array(4), 48000, { channels: 2, align: true }); is<Equal<typeof k_, AudioData<'int16'>>>();
const l_ = playrec(new Int16Array(4), 48000, { channels: 2, blocking: true }); is<Equal<typeof l_, AudioData<'int16'>>>();
const m_ = rec(null, { out: a_, blocking: true }); is<Equal<typeof m_, AudioData<'int16'>>>();
playrec(new Float32Array(4), { channels: 1, out: new Int16Array(4) });
