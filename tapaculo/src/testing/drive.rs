//! Runs a room's input to its end, in a plain test.

use crate::room::Alarm;
use futures_util::future::BoxFuture;
use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

/// The end of a handler's time, which the driver tells.
#[derive(Debug, Default)]
pub(super) struct TestAlarm {
    rung: AtomicBool,
}

impl Alarm for Arc<TestAlarm> {
    fn after(&self, _time: Duration) -> BoxFuture<'static, ()> {
        let alarm = Arc::clone(self);
        // It needs no waking: who rings it polls again.
        Box::pin(poll_fn(move |_| {
            if alarm.rung.load(Ordering::Relaxed) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }))
    }
}

/// Wakes the thread that polls.
struct Woken {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl TestAlarm {
    /// Runs a room's input to its end; answers whether its handler ran out of its time on the way.
    ///
    /// A handler may wait for something outside (a timer of tokio's, a socket, a thread), for as
    /// long as its limit; then, or at once if nothing is left that could wake it, its time is up.
    pub(super) fn drive(&self, limit: Duration, input: impl Future<Output = ()>) -> bool {
        let _entered = runtime().enter();
        let woken = Arc::new(Woken {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&woken));
        let mut input = pin!(input);
        let began = Instant::now();
        let mut has_rung = false;
        while input
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
        {
            self.rung.store(false, Ordering::Relaxed);
            // Besides ours, whoever is to wake it has one.
            let is_stuck = || Arc::strong_count(&woken) == 2;
            while !woken.woken.swap(false, Ordering::Acquire) {
                let left = limit.saturating_sub(began.elapsed());
                let stuck = is_stuck();
                // Whoever had a waker may have used it just before it was gone.
                if stuck && woken.woken.load(Ordering::Acquire) {
                    continue;
                }
                if stuck || left.is_zero() {
                    has_rung = true;
                    self.rung.store(true, Ordering::Relaxed);
                    break;
                }
                thread::park_timeout(left);
            }
        }
        self.rung.store(false, Ordering::Relaxed);
        has_rung
    }
}

/// A runtime in a thread of its own, for handlers that wait for tokio: so that this works in a
/// plain test as well as in an asynchronous one, which it blocks.
fn runtime() -> &'static Handle {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder
            .enable_all()
            .build()
            .expect("a runtime for tests starts");
        let handle = runtime.handle().clone();
        thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        handle
    })
}
