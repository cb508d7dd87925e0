//! Many threads, many streams, in any order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use sounddevice::{ErrorKind, Flow, Stream};

use super::*;

struct Random(u32);

impl Random {
    fn below(&mut self, most: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % most
    }
}

/// Whatever is allowed to fail fails with one of these.
fn allowed(error: &sounddevice::Error) {
    let kinds = [ErrorKind::StreamClosed, ErrorKind::StreamStopped, ErrorKind::WouldDeadlock];
    assert!(kinds.contains(&error.kind()), "{error:?}");
}

#[test]
fn random_orders_of_all_methods_from_several_threads_neither_hang_nor_crash() {
    for manual_clock in [false, true] {
        for round in 0..12 {
            let device = if manual_clock { manual(1, 64) } else { real(64) };
            let told = Arc::new(AtomicUsize::new(0));
            let ends = Arc::clone(&told);
            let stream = Stream::duplex::<f32, f32>()
                .device(&device)
                .block_size(48)
                .callback(|io| {
                    io.output.copy_from_slice(io.input);
                    Flow::Continue
                })
                .on_finished(move |_| {
                    ends.fetch_add(1, Ordering::AcqRel);
                })
                .open()
                .expect("it opens");
            let stream = Arc::new(stream);
            let done = Arc::new(AtomicBool::new(false));
            let clock = {
                let (device, done) = (device.clone(), Arc::clone(&done));
                thread::spawn(move || {
                    while manual_clock && !done.load(Ordering::Acquire) {
                        device.advance(64).expect("a manual clock");
                        thread::yield_now();
                    }
                })
            };
            let threads: Vec<_> = (0..4)
                .map(|number| {
                    let stream = Arc::clone(&stream);
                    thread::spawn(move || {
                        let mut random = Random(round * 4 + number);
                        for step in 0..60 {
                            let result = match random.below(7) {
                                0..=2 => stream.start(),
                                3 => stream.stop(),
                                4 => {
                                    stream.abort();
                                    Ok(())
                                }
                                5 => {
                                    stream.begin_stop();
                                    Ok(())
                                }
                                _ if step > 50 && number == 0 => {
                                    stream.close();
                                    Ok(())
                                }
                                _ => stream.time().map(|time| assert!(time >= 0.0)),
                            };
                            result.unwrap_or_else(|error| allowed(&error));
                            let _ = (stream.active(), stream.stopped(), stream.cpu_load(), stream.input_latency());
                        }
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
            stream.close();
            assert!(stream.closed() && !stream.active());
            let after = told.load(Ordering::Acquire);
            done.store(true, Ordering::Release);
            clock.join().expect("no panic");
            assert_eq!(told.load(Ordering::Acquire), after, "nothing is told after close() has returned");
            device.remove();
        }
    }
}

#[test]
fn a_thousand_streams_come_and_go() {
    let device = manual(1, 64);
    for cycle in 0..1000 {
        let (builder, ends) = told(Stream::duplex::<f32, f32>().device(&device).callback(|_| Flow::Continue));
        let stream = builder.open().expect("it opens");
        stream.start().expect("it starts");
        device.advance(64).expect("a manual clock");
        if cycle % 2 == 0 {
            stream.stop().expect("nothing is pending");
        }
        stream.close();
        end(&ends);
        assert!(ends.try_recv().is_err());
    }
}

#[test]
fn reads_and_writes_race_with_every_end() {
    for round in 0..20 {
        let device = real(64);
        let stream = Arc::new(Stream::duplex::<f32, f32>().device(&device).open().expect("it opens"));
        let threads: Vec<_> = (0..3)
            .map(|number| {
                let stream = Arc::clone(&stream);
                thread::spawn(move || {
                    let mut random = Random(round * 3 + number);
                    let mut block = [0.5; 200];
                    for _ in 0..30 {
                        let result = match random.below(8) {
                            0 => stream.start(),
                            1 => stream.stop(),
                            2 => {
                                stream.abort();
                                Ok(())
                            }
                            3 | 4 => stream.read(&mut block).map(drop),
                            5 => stream.try_read(&mut block).map(drop),
                            6 => stream.try_write(&block).map(drop),
                            _ => stream.write(&block).map(drop),
                        };
                        result.unwrap_or_else(|error| allowed(&error));
                    }
                    stream.abort();
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        stream.close();
        device.remove();
    }
}
