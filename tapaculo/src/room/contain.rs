//! Runs a game's code so that neither a panic nor an endless wait goes further than it.

use futures_util::{FutureExt, future::BoxFuture};
use std::{
    any::Any,
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

/// Tells a room how long its handler has waited: the one thing it can't read off its inputs.
pub(crate) trait Alarm: Send + Sync {
    /// Is ready after a time.
    fn after(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// How the game's code failed: its state can't be trusted.
#[derive(Debug)]
pub(crate) enum Failure {
    /// With these words, if they were words.
    Panicked(Option<String>),
    TimedOut,
}

impl Failure {
    fn panicked(payload: Box<dyn Any + Send>) -> Self {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        if text.is_none() {
            // It is of a type of the game's, whose `drop` may panic as well.
            std::mem::forget(payload);
        }
        Self::Panicked(text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(Some(words)) => write!(f, "panicked: {words}"),
            Self::Panicked(None) => f.write_str("panicked"),
            Self::TimedOut => f.write_str("took too long"),
        }
    }
}

/// Runs code that may wait, for so long at most.
///
/// The alarm is set when it first waits: most handlers never do.
pub(super) async fn contain<T>(
    code: impl Future<Output = T>,
    alarm: &dyn Alarm,
    limit: Duration,
) -> Result<T, Failure> {
    // What is cut short is dropped in here, too: that may panic as well.
    let contained = async {
        let mut code = pin!(code);
        let mut late = None;
        poll_fn(|cx| {
            if let Poll::Ready(done) = code.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            let late = late.get_or_insert_with(|| alarm.after(limit));
            late.as_mut().poll(cx).map(|()| Err(Failure::TimedOut))
        })
        .await
    };
    let contained = AssertUnwindSafe(contained).catch_unwind().await;
    contained.unwrap_or_else(|payload| Err(Failure::panicked(payload)))
}

/// Runs code that does not wait.
pub(super) fn contain_now<T>(code: impl FnOnce() -> T) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(code)).map_err(Failure::panicked)
}
