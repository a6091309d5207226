//! A node among others: its lease, what it keeps in Redis, and what it says and hears.

use super::{
    RedisPubSub,
    ears::{Ears, HEARD, Hearer, Order, Wanted},
    keys,
    line::{Again, Line, Script},
    record::{self, milliseconds, parse},
};
use crate::{
    pubsub::nodes::{Heard, Nodes, Timing},
    store::{Claimed, Commit, NodeId, RoomKey, Store, StoreError},
};
use futures_util::{
    StreamExt, TryStreamExt,
    future::{BoxFuture, ready},
    stream,
};
use std::{
    fmt,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/renew.lua")));

/// How many of a batch's commands are under way at once.
const AT_ONCE: usize = 64;

/// This node, with its two connections.
pub(super) struct RedisNode {
    config: RedisPubSub,
    line: Line,
    life: Mutex<Life>,
    /// How many claims and renewals there were.
    claims: AtomicU64,
    renewals: AtomicU64,
    orders: mpsc::UnboundedSender<Order>,
    /// What is only begun where there is a runtime.
    ears: Mutex<Option<Ears>>,
    /// Why it does not hear at present.
    trouble: Arc<Mutex<Option<String>>>,
    hears: Mutex<Option<mpsc::Receiver<Heard>>>,
}

/// What ends with a lease.
struct Life {
    me: NodeId,
    good_until: Instant,
}

impl fmt::Debug for RedisNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisNode")
            .field("config", &self.config)
            .field("me", &self.lock().me)
            .finish_non_exhaustive()
    }
}

impl RedisNode {
    pub(super) fn new(config: RedisPubSub) -> Self {
        let (orders, ordered) = mpsc::unbounded_channel();
        let (heard, hears) = mpsc::channel(HEARD);
        let trouble = Arc::default();
        Self {
            line: Line::new(config.address.clone(), config.backoff),
            life: Mutex::new(Life {
                me: NodeId::random(),
                good_until: Instant::now(),
            }),
            claims: AtomicU64::new(0),
            renewals: AtomicU64::new(0),
            orders,
            ears: Mutex::new(Some(Ears {
                address: config.address.clone(),
                backoff: config.backoff,
                ping: config.timing().renew,
                orders: ordered,
                heard: Hearer::new(heard),
                wanted: Wanted::default(),
                trouble: Arc::clone(&trouble),
            })),
            trouble,
            hears: Mutex::new(Some(hears)),
            config,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    fn order(&self, order: Order) {
        let ears = self
            .ears
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(ears) = ears {
            tokio::spawn(ears.run());
        }
        // After the end nobody listens.
        drop(self.orders.send(order));
    }

    /// Gives an order and waits for it to be followed.
    async fn ordered(
        &self,
        order: impl FnOnce(oneshot::Sender<()>) -> Order,
    ) -> Result<(), StoreError> {
        let (done, following) = oneshot::channel();
        self.order(order(done));
        match timeout(self.config.backoff.longest(), following).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(StoreError::Unavailable("this node has ended".into())),
            Err(_) => {
                let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
                let why = trouble.as_deref().unwrap_or("no answer in time");
                Err(StoreError::Unavailable(format!("nothing is heard: {why}")))
            }
        }
    }

    async fn say(&self, channel: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(channel).arg(bytes);
        self.line.send(&publish, Again::Never).await.map(drop)
    }

    async fn is_gone(&self, node: &NodeId) -> Result<bool, StoreError> {
        let mut exists = redis::cmd("EXISTS");
        exists.arg(keys::lease(node));
        let answer = self.line.send(&exists, Again::Harmless).await?;
        parse::<u64>(answer).map(|leases| leases == 0)
    }

    async fn keep(&self, room: &RoomKey, keep_for: Duration) -> Result<(), StoreError> {
        let mut expire = redis::cmd("PEXPIRE");
        expire.arg(keys::record(room)).arg(milliseconds(keep_for));
        self.line.send(&expire, Again::Harmless).await.map(drop)
    }

    /// The lease is over, whatever Redis says.
    fn over(&self, me: &NodeId) {
        let mut life = self.lock();
        if life.me == *me {
            life.good_until = life.good_until.min(Instant::now());
        }
    }

    async fn renew_once(&self, me: &NodeId) -> Result<(), StoreError> {
        let Timing { lease, .. } = self.config.timing();
        let number = self.renewals.fetch_add(1, Ordering::Relaxed) + 1;
        // It counts from before it was asked for.
        let since = Instant::now();
        let answer = self
            .line
            .call(
                &RENEW,
                &keys::lease(me),
                &[
                    milliseconds(lease).as_bytes(),
                    keys::beat(me).as_bytes(),
                    number.to_string().as_bytes(),
                ],
                Again::Harmless,
            )
            .await?;
        if parse::<u64>(answer)? == 0 {
            self.over(me);
            return Err(StoreError::Lost);
        }
        let mut life = self.lock();
        if life.me == *me {
            life.good_until = since + lease;
        }
        drop(life);
        self.order(Order::Expect(number));
        Ok(())
    }
}

impl Store for RedisNode {
    fn keeps(&self) -> bool {
        true
    }

    fn claim<'a>(
        &'a self,
        room: &'a RoomKey,
        from: Option<&'a NodeId>,
    ) -> BoxFuture<'a, Result<Claimed, StoreError>> {
        Box::pin(async move {
            let count = self.claims.fetch_add(1, Ordering::Relaxed) + 1;
            record::claim(&self.line, room, &self.me(), count, from).await
        })
    }

    fn commit<'a>(&'a self, commit: Commit<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { record::commit(&self.line, &commit, &self.me()).await })
    }

    fn left(&self) -> BoxFuture<'_, Result<Vec<RoomKey>, StoreError>> {
        // They are the other nodes' as much as this one's: whoever gets a member claims one.
        Box::pin(ready(Ok(Vec::new())))
    }
}

impl Nodes for RedisNode {
    fn me(&self) -> NodeId {
        self.lock().me.clone()
    }

    fn good_until(&self) -> Instant {
        self.lock().good_until
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let me = NodeId::random();
            // First, since from the lease on others may say something to it.
            self.ordered(|done| Order::Become(me.clone(), done)).await?;
            let Timing { lease, .. } = self.config.timing();
            let since = Instant::now();
            let mut set = redis::cmd("SET");
            set.arg(keys::lease(&me))
                .arg("here")
                .arg("PX")
                .arg(milliseconds(lease));
            self.line.send(&set, Again::Harmless).await?;
            *self.lock() = Life {
                me,
                good_until: since + lease,
            };
            Ok(())
        })
    }

    fn renew(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let me = self.me();
            // After that the next one is due.
            timeout(self.config.timing().renew, self.renew_once(&me))
                .await
                .unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".into())))
        })
    }

    fn end(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let me = self.me();
            self.over(&me);
            let mut delete = redis::cmd("DEL");
            delete.arg(keys::lease(&me));
            // If it can't be given back it runs out.
            drop(self.line.send(&delete, Again::Harmless).await);
            let (done, following) = oneshot::channel();
            self.order(Order::End(done));
            drop(timeout(self.config.backoff.timeout(), following).await);
        })
    }

    fn timing(&self) -> Timing {
        self.config.timing()
    }

    fn gone<'a>(&'a self, nodes: &'a [NodeId]) -> BoxFuture<'a, Result<Vec<NodeId>, StoreError>> {
        Box::pin(async move {
            // Each is in its own slot of a cluster, hence one by one; there are not many.
            let asked: Vec<_> = nodes.iter().map(|node| self.is_gone(node)).collect();
            let gone: Vec<bool> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
            let gone = nodes.iter().zip(gone).filter(|(_, gone)| *gone);
            Ok(gone.map(|(node, _)| node.clone()).collect())
        })
    }

    fn forward<'a>(
        &'a self,
        room: &'a RoomKey,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Option<NodeId>, StoreError>> {
        Box::pin(async move { record::forward(&self.line, room, &bytes).await })
    }

    fn tell<'a>(
        &'a self,
        node: &'a NodeId,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.say(&keys::inbox(node), &bytes).await })
    }

    #[cfg(test)]
    fn tell_all(&self, bytes: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.say(keys::NODES, &bytes).await })
    }

    fn publish<'a>(
        &'a self,
        room: &'a RoomKey,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move { self.say(&keys::channel(room), &bytes).await })
    }

    fn listen<'a>(&'a self, room: &'a RoomKey) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let listening = self.ordered(|done| Order::Listen(room.clone(), done)).await;
            if listening.is_err() {
                self.order(Order::Unlisten(room.clone()));
            }
            listening
        })
    }

    fn unlisten<'a>(&'a self, room: &'a RoomKey) -> BoxFuture<'a, Result<(), StoreError>> {
        self.order(Order::Unlisten(room.clone()));
        Box::pin(ready(Ok(())))
    }

    fn hear(&self) -> mpsc::Receiver<Heard> {
        self.hears
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_else(|| mpsc::channel(1).1)
    }

    fn touch<'a>(
        &'a self,
        rooms: &'a [(RoomKey, Duration)],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let touched: Vec<_> = rooms
                .iter()
                .map(|(room, keep_for)| self.keep(room, *keep_for))
                .collect();
            stream::iter(touched)
                .buffered(AT_ONCE)
                .try_for_each(|()| ready(Ok(())))
                .await
        })
    }
}
