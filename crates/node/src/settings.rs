//! Settings of one host API, as the facade has checked them.

use napi::Result;
use napi::bindgen_prelude::{JsObjectValue, Object};
use sounddevice::{AsioSettings, ConversionQuality, CoreAudioSettings, HostSettings, WasapiSettings};

/// Of a side's options, if it has any.
pub fn settings(side: &Object<'_>) -> Result<Option<HostSettings>> {
    side.get::<Object>("settings")?.as_ref().map(host_settings).transpose()
}

pub fn host_settings(settings: &Object<'_>) -> Result<HostSettings> {
    let flag = |name: &str| settings.get::<bool>(name).map(Option::unwrap_or_default);
    Ok(match settings.get_named_property::<String>("hostApi")?.as_str() {
        "ASIO" => AsioSettings { channel_selectors: settings.get_named_property("channelSelectors")? }.into(),
        "Core Audio" => CoreAudioSettings {
            channel_map: settings.get::<Option<Vec<i32>>>("channelMap")?.flatten(),
            change_device_parameters: flag("changeDeviceParameters")?,
            fail_if_conversion_required: flag("failIfConversionRequired")?,
            conversion_quality: match settings.get_named_property::<String>("conversionQuality")?.as_str() {
                "min" => ConversionQuality::Min,
                "low" => ConversionQuality::Low,
                "medium" => ConversionQuality::Medium,
                "high" => ConversionQuality::High,
                _ => ConversionQuality::Max,
            },
        }
        .into(),
        _ => WasapiSettings {
            exclusive: flag("exclusive")?,
            auto_convert: flag("autoConvert")?,
            explicit_sample_format: flag("explicitSampleFormat")?,
        }
        .into(),
    })
}
