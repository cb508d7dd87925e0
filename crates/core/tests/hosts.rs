//! What every host API must do, tried on the sound servers that are there and on the virtual host. Those that are not
//! there are left out, with a word, unless `SOUND_SERVERS` names their host API.
//!
//! `contract.rs` has the rules that hold for all of them; what only one of them does is in its own file. Rules about the
//! death of a server run in a process of their own, as clients of a server of their own.

#[cfg(target_os = "linux")]
#[path = "hosts/alsa.rs"]
mod alsa;
#[path = "hosts/contract.rs"]
mod contract;
#[path = "hosts/counter.rs"]
mod counter;
#[path = "hosts/faults.rs"]
mod faults;
#[path = "hosts/jack.rs"]
mod jack;
#[cfg(target_os = "linux")]
#[path = "hosts/missing.rs"]
mod missing;
#[cfg(target_os = "linux")]
#[path = "hosts/pulse.rs"]
mod pulse;
#[path = "hosts/run.rs"]
mod run;
#[path = "hosts/way.rs"]
mod way;

/// A module for each rule, a test in it for each host API: so those that run at the same time have different servers.
macro_rules! rules {
    ($on:ident $from:ident: $($rule:ident)*) => {$(
        mod $rule {
            use crate::$from::$rule;
            use crate::way::{ALSA, ALSA_PORTAUDIO, JACK, JACK_PORTAUDIO, PULSE, VIRTUAL, $on};

            #[test]
            fn alsa() {
                $on(ALSA, concat!(module_path!(), "::alsa"), $rule);
            }

            #[test]
            fn alsa_portaudio() {
                $on(ALSA_PORTAUDIO, concat!(module_path!(), "::alsa_portaudio"), $rule);
            }

            #[test]
            fn jack() {
                $on(JACK, concat!(module_path!(), "::jack"), $rule);
            }

            #[test]
            fn jack_portaudio() {
                $on(JACK_PORTAUDIO, concat!(module_path!(), "::jack_portaudio"), $rule);
            }

            #[test]
            fn pulseaudio() {
                $on(PULSE, concat!(module_path!(), "::pulseaudio"), $rule);
            }

            #[test]
            fn virtual_host() {
                $on(VIRTUAL, concat!(module_path!(), "::virtual_host"), $rule);
            }
        }
    )*};
}

rules! { here contract:
    devices_are_told_plausibly_and_stay_the_same
    check_says_what_open_does
    every_format_arrives_unaltered_to_the_last_frame
    ten_seconds_arrive_unaltered_to_the_last_frame
    an_aligned_recording_has_every_frame_within_a_block_of_where_it_was_played
    a_duplex_stream_takes_two_latencies
    a_callback_that_comes_too_late_is_told_so_and_goes_on
    every_frame_of_a_play_is_heard_to_the_last
    stop_plays_what_was_made_and_abort_drops_it
    closing_ends_everything_from_anywhere_as_often_as_you_like
    two_streams_at_once_do_not_disturb_each_other
}

rules! { apart contract:
    a_hundred_streams_come_and_go_and_leave_nothing
    a_lost_device_ends_its_streams_and_the_next_one_works
    a_standstill_of_two_seconds_is_told_and_everything_goes_on
    streams_of_a_server_that_stands_still_close_all_the_same
}

/// The rules about faults, on PipeWire's PulseAudio layer too. None of the contract's there, which judge every frame: on a busy
/// machine PipeWire goes on with its graph without those who are not ready in time, and tells them nothing of the silence that
/// is heard in their place, or of what they have not recorded.
macro_rules! faults {
    ($($rule:ident)*; on PipeWire alone: $($alone:ident)*) => {
        rules! { apart faults: $($rule)* }

        mod pipewire {
            $(on_pipewire! { $rule })*
            $(on_pipewire! { $alone })*
        }
    };
}

macro_rules! on_pipewire {
    ($rule:ident) => {
        #[test]
        fn $rule() {
            let name = concat!(module_path!(), "::", stringify!($rule));
            crate::way::apart(crate::way::PIPEWIRE, name, crate::faults::$rule);
        }
    };
}

faults! {
    a_server_that_is_asked_to_end_takes_its_streams_with_it
    a_server_that_is_killed_takes_its_streams_with_it
    a_server_that_stands_still_for_a_while_goes_on_with_its_streams
    a_device_that_is_unplugged_is_lost
    who_follows_goes_on_when_the_device_is_unplugged
    who_follows_hangs_on_no_server_that_dies
    another_default_device_is_where_only_those_go_who_follow;
    on PipeWire alone:
    streams_of_a_server_that_stands_still_close
}
