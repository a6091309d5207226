//! The connection on which a node hears what is published: it is kept up, and everything that the node
//! listens to is subscribed to again after it was lost.

use super::{address::Address, backoff::BackoffConfig, keys};
use crate::{
    pubsub::nodes::Heard,
    store::{NodeId, RoomKey},
};
use futures_util::{StreamExt, future::BoxFuture};
use redis::{
    Msg, RedisResult,
    aio::{PubSubSink, PubSubStream},
};
use std::{
    collections::{HashMap, HashSet},
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout},
};
use tracing::{debug, warn};

/// How many channels one command names: a reader of its answers does not wait for long.
const AT_ONCE: usize = 500;

/// How much may wait for being acted on.
pub(super) const HEARD: usize = 32 * 1024;

/// When whoever has missed something may have room again.
const CATCH_UP: Duration = Duration::from_millis(100);

/// What the node wants of its ears.
#[derive(Debug)]
pub(super) enum Order {
    /// Hear a room; `done` once that is so.
    Listen(RoomKey, oneshot::Sender<()>),
    Unlisten(RoomKey),
    /// Hear what is for this node, which had another name before; `done` once that is so.
    Become(NodeId, oneshot::Sender<()>),
    /// This renewal of the lease was said aloud: it must be heard.
    Expect(u64),
    /// Hear nothing more.
    End(oneshot::Sender<()>),
}

/// What keeps the subscribing connection.
pub(super) struct Ears {
    pub(super) address: Arc<Address>,
    pub(super) backoff: BackoffConfig,
    /// How often the connection is asked whether it is alive.
    pub(super) ping: Duration,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    pub(super) heard: Hearer,
    pub(super) wanted: Wanted,
    /// Why it does not hear at present, for whoever waits for it.
    pub(super) trouble: Arc<Mutex<Option<String>>>,
}

/// What is to be subscribed to.
#[derive(Default)]
pub(super) struct Wanted {
    rooms: HashMap<String, RoomKey>,
    me: Option<NodeId>,
    /// What has been ordered and not been subscribed to yet.
    new: HashSet<String>,
    /// What is not to be heard any more.
    old: HashSet<String>,
    /// Whom to tell once it is done.
    waiting: Vec<oneshot::Sender<()>>,
    /// Whom to tell once Redis has answered what it was asked.
    asked: Vec<oneshot::Sender<()>>,
    /// The last renewal that was said, and the last that was heard.
    said: u64,
    heard: u64,
}

/// Why a connection is not listened to any more.
enum Over {
    /// It broke.
    Broken(String),
    /// Nobody wants it.
    Unwanted,
}

impl Ears {
    /// Hears until nobody gives orders any more.
    pub(super) async fn run(mut self) {
        let (mut failures, mut turn, mut before) = (0, 0, false);
        loop {
            let over = match self.connect(turn).await {
                Ok((sink, stream)) => {
                    if before {
                        warn!("listening to Redis again; what was said meanwhile was not heard");
                        self.heard.hear(Heard::Again);
                    }
                    before = true;
                    self.trouble(None);
                    let since = Instant::now();
                    let over = self.listen(sink, stream).await;
                    // One that breaks at once, each time, is no better than none.
                    if since.elapsed() > self.backoff.timeout() {
                        failures = 0;
                    }
                    over
                }
                Err(over) => over,
            };
            let Over::Broken(error) = over else {
                return;
            };
            if failures == 0 {
                warn!(error, "does not hear Redis");
            } else {
                debug!(error, "still does not hear Redis");
            }
            self.trouble(Some(error));
            if self.orders.is_closed() && self.orders.is_empty() {
                return;
            }
            sleep(self.backoff.delay(failures)).await;
            failures = failures.saturating_add(1);
            turn += 1;
        }
    }

    fn trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Connects, and subscribes to all that is wanted.
    async fn connect(&mut self, turn: usize) -> Result<(PubSubSink, PubSubStream), Over> {
        let time = self.backoff.timeout();
        let address = &self.address;
        let connecting = async { address.server(turn).await?.get_async_pubsub().await };
        // The sentinels have to be asked first.
        let connection = timeout(time * 2, connecting)
            .await
            .map_err(|_| Over::late())?
            .map_err(|error| Over::broken(&error))?;
        let (mut sink, stream) = connection.split();
        while let Ok(order) = self.orders.try_recv() {
            self.wanted.take(order)?;
        }
        self.wanted.new.clear();
        self.wanted.old.clear();
        self.wanted.ask();
        for channels in self.wanted.all().chunks(AT_ONCE) {
            timeout(time, sink.subscribe(channels))
                .await
                .map_err(|_| Over::late())?
                .map_err(|error| Over::broken(&error))?;
        }
        self.wanted.answered();
        // What was said before is not heard any more.
        self.wanted.said = self.wanted.heard;
        Ok((sink, stream))
    }

    /// Hands over what is heard, and follows orders, for as long as the connection lives.
    async fn listen(&mut self, sink: PubSubSink, mut stream: PubSubStream) -> Over {
        let time = self.backoff.timeout();
        let mut ping = interval(self.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // One thing at a time is asked of Redis; messages come in meanwhile.
        let mut asking: Option<BoxFuture<'static, RedisResult<()>>> = None;
        let mut asking_until = Instant::now();
        let mut beat_until: Option<Instant> = None;
        let mut orders = Vec::new();
        loop {
            if asking.is_none()
                && let Some(changes) = self.wanted.changes(sink.clone())
            {
                (asking, asking_until) = (Some(changes), Instant::now() + time);
            }
            let idle = asking.is_none();
            tokio::select! {
                message = stream.next() => match message {
                    Some(message) => self.hear(&message),
                    None => return Over::Broken("the connection has ended".into()),
                },
                answer = async {
                    match asking.as_mut() {
                        Some(asking) => asking.await,
                        None => pending().await,
                    }
                } => {
                    asking = None;
                    if let Err(error) = answer {
                        return Over::broken(&error);
                    }
                    self.wanted.answered();
                }
                () = sleep_until(asking_until), if !idle => return Over::late(),
                count = self.orders.recv_many(&mut orders, AT_ONCE) => {
                    if count == 0 {
                        return Over::Unwanted;
                    }
                    for order in orders.drain(..) {
                        if let Err(over) = self.wanted.take(order) {
                            return over;
                        }
                    }
                }
                () = sleep(CATCH_UP), if self.heard.has_missed => self.heard.catch_up(),
                _ = ping.tick(), if idle => {
                    let mut sink = sink.clone();
                    asking = Some(Box::pin(async move { sink.ping::<redis::Value>().await.map(drop) }));
                    asking_until = Instant::now() + time;
                }
                () = sleep_until(beat_until.unwrap_or_else(Instant::now)), if beat_until.is_some() => {
                    return Over::Broken("it answers, but does not say what is said".into());
                }
            }
            beat_until = match beat_until {
                _ if self.wanted.heard >= self.wanted.said => None,
                None => Some(Instant::now() + time),
                until => until,
            };
        }
    }

    fn hear(&mut self, message: &Msg) {
        let bytes = message.get_payload_bytes();
        let heard = match self.wanted.meaning(message.get_channel_name()) {
            Some(Meaning::Room(room)) => Heard::Room(room.clone(), bytes.to_vec()),
            Some(Meaning::All) => Heard::All(bytes.to_vec()),
            Some(Meaning::Inbox) => Heard::Inbox(bytes.to_vec()),
            Some(Meaning::Beat) => {
                let beat = std::str::from_utf8(bytes)
                    .ok()
                    .and_then(|text| text.parse().ok());
                self.wanted.heard = self.wanted.heard.max(beat.unwrap_or(0));
                return;
            }
            None => return,
        };
        self.heard.hear(heard);
    }
}

/// Whoever acts on what is heard. If that takes too long, something is missed, and it is told so: the
/// others are asked again for what was said.
pub(super) struct Hearer {
    tell: mpsc::Sender<Heard>,
    has_missed: bool,
}

impl Hearer {
    pub(super) fn new(tell: mpsc::Sender<Heard>) -> Self {
        Self {
            tell,
            has_missed: false,
        }
    }

    fn hear(&mut self, heard: Heard) {
        self.catch_up();
        let is_told = !self.has_missed && self.tell.try_send(heard).is_ok();
        // At a shutdown nobody is there.
        if !is_told && !self.has_missed && !self.tell.is_closed() {
            warn!("more is said than this node can act on; some of it was not heard");
            self.has_missed = true;
        }
    }

    /// Tells that something was missed, as soon as there is room for what is said then.
    fn catch_up(&mut self) {
        let has_room = self.tell.capacity() >= self.tell.max_capacity() / 2;
        if self.has_missed && has_room && self.tell.try_send(Heard::Again).is_ok() {
            self.has_missed = false;
        }
    }
}

/// What a channel is for.
enum Meaning<'a> {
    Room(&'a RoomKey),
    All,
    Inbox,
    Beat,
}

impl Wanted {
    fn take(&mut self, order: Order) -> Result<(), Over> {
        match order {
            Order::Listen(room, done) => {
                let channel = keys::channel(&room);
                if self.rooms.insert(channel.clone(), room).is_none() {
                    self.want(channel);
                }
                self.waiting.push(done);
            }
            Order::Unlisten(room) => {
                let channel = keys::channel(&room);
                if self.rooms.remove(&channel).is_some() {
                    self.unwant(channel);
                }
            }
            Order::Become(me, done) => {
                if let Some(me) = self.me.take() {
                    self.unwant(keys::inbox(&me));
                    self.unwant(keys::beat(&me));
                } else {
                    self.want(keys::NODES.to_owned());
                }
                self.want(keys::inbox(&me));
                self.want(keys::beat(&me));
                self.me = Some(me);
                self.waiting.push(done);
            }
            Order::Expect(beat) => self.said = self.said.max(beat),
            Order::End(done) => {
                let _ = done.send(());
                return Err(Over::Unwanted);
            }
        }
        Ok(())
    }

    fn want(&mut self, channel: String) {
        self.old.remove(&channel);
        self.new.insert(channel);
    }

    fn unwant(&mut self, channel: String) {
        self.new.remove(&channel);
        self.old.insert(channel);
    }

    /// All there is to hear.
    fn all(&self) -> Vec<String> {
        let mut all: Vec<String> = self.rooms.keys().cloned().collect();
        if let Some(me) = &self.me {
            all.extend([keys::NODES.to_owned(), keys::inbox(me), keys::beat(me)]);
        }
        all
    }

    fn meaning(&self, channel: &str) -> Option<Meaning<'_>> {
        if let Some(room) = self.rooms.get(channel) {
            return Some(Meaning::Room(room));
        }
        let me = self.me.as_ref()?;
        if channel == keys::NODES {
            Some(Meaning::All)
        } else if channel == keys::inbox(me) {
            Some(Meaning::Inbox)
        } else if channel == keys::beat(me) {
            Some(Meaning::Beat)
        } else {
            None
        }
    }

    /// What is to be changed, if anything is.
    fn changes(&mut self, mut sink: PubSubSink) -> Option<BoxFuture<'static, RedisResult<()>>> {
        self.ask();
        if self.new.is_empty() && self.old.is_empty() {
            self.answered();
            return None;
        }
        let new: Vec<String> = self.new.drain().collect();
        let old: Vec<String> = self.old.drain().collect();
        Some(Box::pin(async move {
            if !new.is_empty() {
                sink.subscribe(new).await?;
            }
            if !old.is_empty() {
                sink.unsubscribe(old).await?;
            }
            Ok(())
        }))
    }

    /// Everything that is waited for is now asked for.
    fn ask(&mut self) {
        self.asked.append(&mut self.waiting);
    }

    fn answered(&mut self) {
        for done in self.asked.drain(..) {
            // Whoever has no time left is gone.
            let _ = done.send(());
        }
    }
}

impl Over {
    fn late() -> Self {
        Self::Broken("no answer in time".into())
    }

    fn broken(error: &redis::RedisError) -> Self {
        Self::Broken(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_hears_too_much_is_told_that_it_has_missed_some() {
        let (tell, mut heard) = mpsc::channel(4);
        let mut hearer = Hearer::new(tell);
        for number in 0..6 {
            hearer.hear(Heard::All(vec![number]));
        }
        assert_eq!(heard.try_recv(), Ok(Heard::All(vec![0])));
        // One at a time would be lost like the last.
        hearer.hear(Heard::All(vec![6]));
        for number in 1..4 {
            assert_eq!(heard.try_recv(), Ok(Heard::All(vec![number])));
        }
        assert!(heard.try_recv().is_err());
        hearer.hear(Heard::All(vec![7]));
        assert_eq!(heard.try_recv(), Ok(Heard::Again));
        assert_eq!(heard.try_recv(), Ok(Heard::All(vec![7])));
        assert!(heard.try_recv().is_err());
    }
}
