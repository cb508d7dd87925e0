//! Loom's kinds, and stand-ins for what it has not.

pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};
pub(crate) use loom::thread;

/// Never woken by time: who is not woken hangs, and the model fails.
pub(crate) fn park_timeout(_: std::time::Duration) {
    thread::park();
}

/// What is waited for. Never woken by time either.
#[derive(Debug, Default)]
pub(crate) struct Event {
    count: atomic::AtomicU32,
    going: Mutex<()>,
    woken: loom::sync::Condvar,
}

impl Event {
    pub(crate) fn seen(&self) -> u32 {
        self.count.load(atomic::Ordering::Acquire)
    }

    pub(crate) fn signal(&self) {
        self.count.fetch_add(1, atomic::Ordering::Release);
        drop(self.going.lock());
        self.woken.notify_all();
    }

    pub(crate) fn wait(&self, seen: u32, _: std::time::Duration) {
        let going = self.going.lock().expect("nobody panics");
        // A futex compares in the kernel, under the lock that waking takes.
        if self.count.load(atomic::Ordering::Acquire) == seen {
            drop(self.woken.wait(going));
        }
    }
}

/// A channel of one message. Loom's own minds messages that nobody takes.
pub(crate) mod mpsc {
    use std::sync::Arc;
    use std::sync::mpsc::{RecvTimeoutError, SendError, TryRecvError};
    use std::time::Duration;

    use loom::sync::Mutex;

    type Place<T> = Arc<Mutex<Option<T>>>;

    pub(crate) struct Sender<T>(Place<T>);
    pub(crate) struct Receiver<T>(Place<T>);

    pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
        let place = Place::default();
        (Sender(Arc::clone(&place)), Receiver(place))
    }

    impl<T> Sender<T> {
        pub(crate) fn send(&self, message: T) -> Result<(), SendError<T>> {
            *self.0.lock().expect("nobody panics") = Some(message);
            Ok(())
        }
    }

    impl<T> Receiver<T> {
        /// Time runs out at any moment.
        pub(crate) fn recv_timeout(&self, _: Duration) -> Result<T, RecvTimeoutError> {
            self.try_recv().map_err(|_| RecvTimeoutError::Timeout)
        }

        pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
            self.0.lock().expect("nobody panics").take().ok_or(TryRecvError::Empty)
        }
    }
}

/// A ring whose every operation is one step.
pub(crate) mod ring {
    use std::collections::VecDeque;
    use std::sync::Arc;

    use loom::sync::{Mutex, MutexGuard};

    pub(crate) use ringbuf::traits::{Consumer, Observer, Producer, Split};

    struct Shared<T> {
        items: Mutex<VecDeque<T>>,
        capacity: usize,
    }

    pub(crate) struct HeapRb<T>(Arc<Shared<T>>);
    pub(crate) struct HeapProd<T>(Arc<Shared<T>>);
    pub(crate) struct HeapCons<T> {
        shared: Arc<Shared<T>>,
        peeked: Option<T>,
    }

    impl<T> Shared<T> {
        fn items(&self) -> MutexGuard<'_, VecDeque<T>> {
            self.items.lock().expect("nobody panics")
        }
    }

    impl<T> HeapRb<T> {
        pub(crate) fn new(capacity: usize) -> Self {
            Self(Arc::new(Shared { items: Mutex::new(VecDeque::new()), capacity }))
        }

        pub(crate) fn split(self) -> (HeapProd<T>, HeapCons<T>) {
            (HeapProd(Arc::clone(&self.0)), HeapCons { shared: self.0, peeked: None })
        }
    }

    impl<T> HeapProd<T> {
        pub(crate) fn vacant_len(&self) -> usize {
            self.0.capacity - self.0.items().len()
        }

        pub(crate) fn try_push(&mut self, item: T) -> Result<(), T> {
            let mut items = self.0.items();
            if items.len() == self.0.capacity {
                return Err(item);
            }
            items.push_back(item);
            Ok(())
        }

        pub(crate) fn push_slice(&mut self, from: &[T]) -> usize
        where
            T: Copy,
        {
            let mut items = self.0.items();
            let count = from.len().min(self.0.capacity - items.len());
            items.extend(&from[..count]);
            count
        }
    }

    impl<T> HeapCons<T> {
        pub(crate) fn occupied_len(&self) -> usize {
            self.shared.items().len()
        }

        pub(crate) fn try_pop(&mut self) -> Option<T> {
            self.shared.items().pop_front()
        }

        pub(crate) fn try_peek(&mut self) -> Option<&T>
        where
            T: Copy,
        {
            self.peeked = self.shared.items().front().copied();
            self.peeked.as_ref()
        }

        pub(crate) fn skip(&mut self, count: usize) -> usize {
            let mut items = self.shared.items();
            let count = count.min(items.len());
            items.drain(..count);
            count
        }

        pub(crate) fn pop_slice(&mut self, into: &mut [T]) -> usize {
            let mut items = self.shared.items();
            let count = into.len().min(items.len());
            into.iter_mut().zip(items.drain(..count)).for_each(|(to, from)| *to = from);
            count
        }
    }
}
