// What the package declares against the contract: compiled, never run.
import type * as ours from 'sounddevice';
import type * as contract from './contract.js';

type Mutual<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
declare function is<T extends true>(ok?: T): void;
declare function isNever<T extends never>(none?: T): void;

type Ours = typeof ours;
type Contract = typeof contract;
type Name = keyof Contract & keyof Ours;
type Unfit<From, To> = { [K in keyof From & keyof To]: From[K] extends To[K] ? never : K }[keyof From &
  keyof To];

// Every value is there and can be used as the contract says; only errors are not for users to make.
isNever<Exclude<keyof Contract, Name>>();
is<Mutual<Unfit<Ours, Contract>, 'SoundDeviceError'>>();
is<Mutual<ours.SoundDeviceError['code'], contract.SoundDeviceError['code']>>();
is<ours.SoundDeviceError extends contract.SoundDeviceError ? true : false>();
// Nothing is stricter or wider than it says, but for what is added: open() of streams, defaults.backend.
type Streams = 'Stream' | 'InputStream' | 'OutputStream' | 'RawStream' | 'RawInputStream' | 'RawOutputStream';
is<Mutual<Unfit<Contract, Ours>, Streams | 'SoundDeviceError' | 'defaults'>>();
is<Mutual<Omit<typeof ours.defaults, 'backend'>, typeof contract.defaults>>();

// Types.
is<Mutual<ours.DType, contract.DType>>();
is<Mutual<ours.SampleArrays, contract.SampleArrays>>();
is<Mutual<ours.SampleArray<'int24'>, contract.SampleArray<'int24'>>>();
is<Mutual<ours.AudioData, contract.AudioData>>();
is<Mutual<ours.AudioData<'int16'>, contract.AudioData<'int16'>>>();
is<Mutual<ours.AudioSource, contract.AudioSource>>();
is<Mutual<ours.DTypeOf<readonly Float64Array[]>, contract.DTypeOf<readonly Float64Array[]>>>();
is<Mutual<ours.DeviceSpecifier, contract.DeviceSpecifier>>();
is<Mutual<ours.Kind, contract.Kind>>();
is<Mutual<ours.InOut<'x'>, contract.InOut<'x'>>>();
is<Mutual<ours.DeviceInfo, contract.DeviceInfo>>();
is<Mutual<ours.DeviceList, contract.DeviceList>>();
is<Mutual<ours.HostApiInfo, contract.HostApiInfo>>();
is<Mutual<ours.CheckOptions, contract.CheckOptions>>();
is<Mutual<ours.DeviceEvent, contract.DeviceEvent>>();
is<Mutual<ours.DeviceWatcher, contract.DeviceWatcher>>();
is<Mutual<ours.Pair<number>, contract.Pair<number>>>();
is<Mutual<ours.Latency, contract.Latency>>();
is<Mutual<ours.CommonOptions, contract.CommonOptions>>();
is<Mutual<ours.PlayOptions, contract.PlayOptions>>();
is<Mutual<ours.RecOptions<'int8'>, contract.RecOptions<'int8'>>>();
is<Mutual<ours.PlayrecOptions<'int8'>, contract.PlayrecOptions<'int8'>>>();
is<Mutual<ours.Job<string>, contract.Job<string>>>();
is<Mutual<ours.StreamTime, contract.StreamTime>>();
is<Mutual<ours.CallbackResult, contract.CallbackResult>>();
is<Mutual<ours.DuplexCallback<'int8', 'int16'>, contract.DuplexCallback<'int8', 'int16'>>>();
is<Mutual<ours.InputCallback<'int8'>, contract.InputCallback<'int8'>>>();
is<Mutual<ours.OutputCallback<'int8'>, contract.OutputCallback<'int8'>>>();
is<Mutual<ours.ProcessorContext, contract.ProcessorContext>>();
is<Mutual<ours.ProcessorFactory<string>, contract.ProcessorFactory<string>>>();
is<Mutual<ours.Processor<string>, contract.Processor<string>>>();
is<Mutual<ours.DuplexStreamOptions<'int8', 'int16'>, contract.DuplexStreamOptions<'int8', 'int16'>>>();
is<Mutual<ours.InputStreamOptions<'int8'>, contract.InputStreamOptions<'int8'>>>();
is<Mutual<ours.OutputStreamOptions<'int8'>, contract.OutputStreamOptions<'int8'>>>();
is<Mutual<ours.StreamEvents, contract.StreamEvents>>();
is<Mutual<ours.Block<string>, contract.Block<string>>>();
is<Mutual<ours.Reading<string>, contract.Reading<string>>>();
is<Mutual<ours.StreamSource<'int8'>, contract.StreamSource<'int8'>>>();
is<Mutual<ours.RawSource, contract.RawSource>>();
is<Mutual<ours.Stream<'int8', 'int16'>, contract.Stream<'int8', 'int16'>>>();
is<Mutual<ours.InputStream<'int8'>, contract.InputStream<'int8'>>>();
is<Mutual<ours.OutputStream<'int8'>, contract.OutputStream<'int8'>>>();
is<Mutual<ours.RawStream, contract.RawStream>>();
is<Mutual<ours.RawInputStream, contract.RawInputStream>>();
is<Mutual<ours.RawOutputStream, contract.RawOutputStream>>();
is<Mutual<ours.ExtraSettings, contract.ExtraSettings>>();
is<Mutual<ours.ChannelMap, contract.ChannelMap>>();
is<Mutual<ours.CardOptions, contract.CardOptions>>();
is<Mutual<ours.Speaker, contract.Speaker>>();
is<Mutual<ours.Microphone, contract.Microphone>>();
is<Mutual<ours.Player, contract.Player>>();
is<Mutual<ours.Recorder, contract.Recorder>>();
is<Mutual<ours.ErrorCode, contract.ErrorCode>>();
is<Mutual<ours.VirtualDevice, contract.VirtualDevice>>();

// Classes that nothing else can stand in for: what they are made of.
interface Flags {
  inputUnderflow: boolean;
  inputOverflow: boolean;
  outputUnderflow: boolean;
  outputOverflow: boolean;
  readonly primingOutput: boolean;
  readonly any: boolean;
  merge(other: ours.CallbackFlags): ours.CallbackFlags;
  valueOf(): number;
  toString(): string;
}
is<Mutual<Pick<ours.CallbackFlags, keyof Flags>, Flags>>();
is<Mutual<ConstructorParameters<Ours['CallbackFlags']>, [flags?: number]>>();
is<Mutual<ConstructorParameters<Ours['AsioSettings']>, [{ channelSelectors: readonly number[] }]>>();
is<
  Mutual<
    ConstructorParameters<Ours['WasapiSettings']>,
    [options?: { exclusive?: boolean; autoConvert?: boolean; explicitSampleFormat?: boolean }]
  >
>();
type CoreAudio = {
  channelMap?: readonly number[];
  changeDeviceParameters?: boolean;
  failIfConversionRequired?: boolean;
  conversionQuality?: 'min' | 'low' | 'medium' | 'high' | 'max';
};
is<Mutual<ConstructorParameters<Ours['CoreAudioSettings']>, [options?: CoreAudio]>>();
// @ts-expect-error settings of one host API are not those of another one
is<ours.AsioSettings extends ours.WasapiSettings ? true : false>();
// @ts-expect-error nor is any other object
is<{ exclusive: boolean } extends ours.ExtraSettings ? true : false>();
