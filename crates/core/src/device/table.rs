//! The list as a table.

use std::fmt;

use super::{DeviceInfo, Devices, Kind};

impl Devices {
    /// The table with marks for the given defaults: `>` input, `<` output, `*` both.
    pub fn table(&self, input: Option<usize>, output: Option<usize>) -> String {
        let width = self.infos.iter().map(|device| device.index).max().unwrap_or(0).to_string().len();
        let line = |device: &DeviceInfo| {
            let mark = match (Some(device.index) == input, Some(device.index) == output) {
                (true, true) => '*',
                (true, false) => '>',
                (false, true) => '<',
                (false, false) => ' ',
            };
            let DeviceInfo { index, name, host_api_name, max_input_channels, max_output_channels, .. } = device;
            format!(
                "{mark} {index:>width$} {name}, {host_api_name} ({max_input_channels} in, {max_output_channels} out)"
            )
        };
        self.infos.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = |kind| self.default_device(kind).map(|device| device.index);
        f.write_str(&self.table(index(Kind::Input), index(Kind::Output)))
    }
}
