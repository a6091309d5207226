//! How many connections there are, and a way to wait until there are none.

use std::sync::Arc;
use tokio::sync::watch;

/// The connections of a server.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    open: Arc<watch::Sender<usize>>,
    most: usize,
}

/// One connection, for as long as it lives.
#[derive(Debug)]
pub(super) struct Admission(Connections);

impl Connections {
    pub(super) fn new(most: Option<usize>) -> Self {
        Self {
            open: Arc::new(watch::Sender::new(0)),
            most: most.unwrap_or(usize::MAX),
        }
    }

    /// Takes up one more; `None` at the limit.
    pub(super) fn admit(&self) -> Option<Admission> {
        let admitted = self.open.send_if_modified(|open| {
            let room = *open < self.most;
            *open += usize::from(room);
            room
        });
        admitted.then(|| Admission(self.clone()))
    }

    pub(super) fn count(&self) -> usize {
        *self.open.borrow()
    }

    pub(super) async fn none_left(&self) {
        // The sender lives in `self`, so the wait can't fail.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| *open -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_at_a_time() {
        let connections = Connections::new(Some(2));
        let one = connections.admit();
        let two = connections.admit();
        assert!(one.is_some() && two.is_some());
        assert!(connections.admit().is_none());
        drop(one);
        assert!(connections.admit().is_some());
    }
}
