//! Libraries that are not there: each is hidden in turn, in a process that sees other files than the rest of the system.

use std::process::{Command, Stdio};

use sounddevice::{Dtype, ErrorKind, Kind, check};

use super::run::RATE;
use super::way::{ALSA, Host, JACK, PULSE, VIRTUAL, here, listed, skip};

/// Names what has been hidden from this process.
const HIDDEN: &str = "SOUNDDEVICE_TEST_HIDDEN";

/// A library, and the host APIs that have no devices without it: ALSA's lead to PulseAudio.
const LIBRARIES: [(&str, &[Host]); 3] =
    [("libasound.so.2", &[ALSA]), ("libpulse.so.0", &[PULSE, ALSA]), ("libjack.so.0", &[JACK])];

/// Whether the devices of the way are listed.
fn there(host: Host) -> bool {
    listed(host).is_some_and(|list| list.find_output(host.output).is_ok() && list.find_input(host.input).is_ok())
}

/// Starts this test again where an empty file stands in the library's place; None where that is not allowed or it is not here.
fn without(library: &str, test: &str, expected: &str) -> Option<std::process::Output> {
    let found = Command::new("ldconfig").arg("-p").output().ok()?.stdout;
    let found = String::from_utf8_lossy(&found).into_owned();
    let path = found.lines().find(|line| line.trim_start().starts_with(library))?.rsplit(' ').next()?.to_string();
    let hide = "mount --bind /dev/null \"$(readlink -f \"$0\")\"";
    let mut shell = Command::new("unshare");
    shell.args(["-m", "sh", "-c"]).stdin(Stdio::null());
    let allowed = shell.args([hide, &path]).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    let program = std::env::current_exe().ok()?;
    let mut shell = Command::new("unshare");
    shell.args(["-m", "sh", "-c", &format!("{hide} && exec \"$@\""), &path]).stdin(Stdio::null());
    shell.arg(program).args(["--exact", test, "--nocapture"]).env(HIDDEN, format!("{library} {expected}"));
    allowed.then(|| shell.output().expect("it starts"))
}

#[test]
fn a_library_that_is_missing_takes_only_its_own_devices_with_it() {
    let test = "missing::a_library_that_is_missing_takes_only_its_own_devices_with_it";
    if let Ok(hidden) = std::env::var(HIDDEN) {
        return rest_works(&hidden);
    }
    let present: Vec<Host> = [PULSE, JACK, ALSA].into_iter().filter(|host| there(*host)).collect();
    for (library, without_it) in LIBRARIES {
        let left = present.iter().filter(|host| without_it.iter().all(|gone| gone.name != host.name));
        let expected = left.map(|host| host.name).collect::<Vec<_>>().join(" ");
        let Some(output) = without(library, test, &expected) else {
            println!("skipped: {library} cannot be hidden here");
            continue;
        };
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success() && text.contains("1 passed"), "without {library}:\n{text}");
    }
    if present.is_empty() {
        skip("PulseAudio", "no server to be without");
    }
}

/// `hidden` is the library and then the host APIs that have devices all the same.
fn rest_works(hidden: &str) {
    let mut words = hidden.split(' ');
    let library = words.next().expect("a library");
    let expected: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    for host in [PULSE, JACK, ALSA] {
        let wanted = expected.contains(&host.name);
        assert_eq!(there(host), wanted, "{} without {library}", host.name);
        let output = host.output.into();
        let checked = check(Kind::Output, Some(&output), Some(2), Dtype::F32, Some(f64::from(RATE)));
        match wanted {
            true => checked.expect("it can be opened"),
            false => assert_eq!(checked.expect_err("it is not there").kind(), ErrorKind::NoSuchDevice),
        }
    }
    here(VIRTUAL, "", |way| way.carries::<f32>(4_800));
}
