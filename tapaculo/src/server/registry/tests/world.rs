//! Nodes in one process, and what is between them: it loses, delays, repeats and reorders, by a seed.

use crate::{
    cluster::Letter,
    log::Entry,
    pubsub::{
        Heard, Nodes, Timing,
        everywhere::{Counts, CountsElsewhere, Everywhere, News, Use, Used},
    },
    room::Publication,
    store::{Cells, Claim, Claimed, Commit, NodeId, RoomKey, Saved, Store, StoreError, Then},
};
use futures_util::future::{BoxFuture, pending};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep},
};

pub(super) const LEASE: Duration = Duration::from_secs(10);
const RENEW: Duration = Duration::from_secs(3);

/// How much goes wrong, each in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    /// What is said does not arrive.
    pub(super) lost: u32,
    /// It arrives twice.
    pub(super) twice: u32,
    /// It arrives late, after what was said later.
    pub(super) late: u32,
    /// The store does not answer, whether or not it has done what it was asked.
    pub(super) failed: u32,
}

/// What all nodes share.
pub(super) struct World {
    inner: Mutex<Inner>,
    /// What has happened, and when, where somebody wants to know.
    story: Option<Mutex<Vec<String>>>,
    began: Instant,
}

struct Inner {
    rng: StdRng,
    faults: Faults,
    records: HashMap<RoomKey, Record>,
    last_term: u64,
    leases: HashMap<NodeId, Instant>,
    nodes: Vec<Arc<Ears>>,
    said: BTreeMap<u64, String>,
}

#[derive(Default)]
struct Record {
    owner: Option<NodeId>,
    term: u64,
    number: u64,
    by: u64,
    cells: Cells,
}

/// Where a node hears.
struct Ears {
    tell: mpsc::Sender<Heard>,
    wants: Mutex<(Option<NodeId>, HashSet<RoomKey>)>,
    run: watch::Sender<Run>,
}

/// Whether a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    Runs,
    /// It does nothing, and does not know it.
    Stands,
    Dead,
}

/// A node's end of the world.
pub(super) struct Fake {
    world: Arc<World>,
    ears: Arc<Ears>,
    life: Mutex<(NodeId, Instant)>,
    hears: Mutex<Option<mpsc::Receiver<Heard>>>,
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.me())
    }
}

impl World {
    pub(super) fn new(seed: u64, faults: Faults) -> Arc<Self> {
        let inner = Inner {
            rng: StdRng::seed_from_u64(seed),
            faults,
            records: HashMap::new(),
            last_term: 0,
            leases: HashMap::new(),
            nodes: Vec::new(),
            said: BTreeMap::new(),
        };
        let is_told = std::env::var("TAPACULO_SEED").is_ok();
        Arc::new(Self {
            inner: Mutex::new(inner),
            story: is_told.then(Mutex::default),
            began: Instant::now(),
        })
    }

    /// For whoever looks for an error.
    pub(super) fn note(&self, what: impl FnOnce() -> String) {
        if let Some(story) = &self.story {
            let line = format!("{:>8?} {}", self.began.elapsed(), what());
            story.lock().unwrap().push(line);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(super) fn be(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// Up to so much, at random.
    pub(super) fn random(&self, most: u32) -> u32 {
        self.lock().rng.random_range(0..most)
    }

    fn happens(&self, share: impl Fn(Faults) -> u32) -> bool {
        let mut inner = self.lock();
        let share = share(inner.faults);
        inner.rng.random_range(0..1000) < share
    }

    pub(super) fn node(self: &Arc<Self>) -> Arc<Fake> {
        let (tell, hears) = mpsc::channel(10_000);
        let ears = Arc::new(Ears {
            tell,
            wants: Mutex::default(),
            run: watch::Sender::new(Run::Runs),
        });
        self.lock().nodes.push(Arc::clone(&ears));
        Arc::new(Fake {
            world: Arc::clone(self),
            ears,
            life: Mutex::new((NodeId::random(), Instant::now())),
            hears: Mutex::new(Some(hears)),
        })
    }

    /// Each word that was saved, by its number, whether or not anybody has heard it.
    pub(super) fn said(&self) -> BTreeMap<u64, String> {
        self.lock().said.clone()
    }

    /// The cells of a room whose names begin like this.
    pub(super) fn cells(&self, room: &RoomKey, kind: &str) -> Vec<String> {
        let inner = self.lock();
        let record = inner.records.get(room);
        let cells = record.into_iter().flat_map(|record| record.cells.keys());
        cells
            .filter(|cell| cell.starts_with(kind))
            .cloned()
            .collect()
    }

    fn say(
        self: &Arc<Self>,
        to: impl Fn(&Option<NodeId>, &HashSet<RoomKey>) -> bool,
        heard: impl Fn() -> Heard,
    ) {
        let all = self.lock().nodes.clone();
        for ears in all {
            let is_for = {
                let wants = ears.wants.lock().unwrap();
                to(&wants.0, &wants.1)
            };
            if is_for {
                self.hand_over(&ears, &heard);
            }
        }
    }

    fn hand_over(self: &Arc<Self>, ears: &Arc<Ears>, heard: &impl Fn() -> Heard) {
        let is_lost = self.happens(|faults| faults.lost);
        let times = 1 + usize::from(self.happens(|faults| faults.twice));
        for _ in 0..times {
            let is_late = self.happens(|faults| faults.late);
            let delay = match (is_lost, is_late) {
                // The subscription is up again after a while.
                (true, _) => 50 + self.random(500),
                (false, true) => self.random(200),
                (false, false) => 1,
            };
            let heard = if is_lost { Heard::Again } else { heard() };
            let ears = Arc::clone(ears);
            tokio::spawn(async move {
                sleep(Duration::from_millis(delay.into())).await;
                ears.runs().await;
                let _ = ears.tell.send(heard).await;
            });
        }
    }
}

/// So that an error is found in what led to it.
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(story) = &self.story
        {
            let story = story.lock().unwrap();
            let last = story.len().saturating_sub(1000);
            eprintln!("{}", story[last..].join("\n"));
        }
    }
}

impl Ears {
    /// Waits while the node stands; a dead one waits for ever.
    async fn runs(&self) {
        let mut run = self.run.subscribe();
        let run = *run.wait_for(|run| *run != Run::Stands).await.unwrap();
        if run == Run::Dead {
            pending::<()>().await;
        }
    }
}

impl Fake {
    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// The word that was saved under a number.
    pub(super) fn word(&self, number: u64) -> Option<String> {
        self.world.lock().said.get(&number).cloned()
    }

    pub(super) fn set(&self, run: Run) {
        self.world.note(|| format!("{} {run:?}", self.me()));
        self.ears.run.send_replace(run);
    }

    pub(super) fn run(&self) -> Run {
        *self.ears.run.borrow()
    }

    /// Waits until this node does something again, if it stands.
    pub(super) async fn runs(&self) {
        self.ears.runs().await;
    }

    /// Has something done, which takes a while and may fail.
    async fn act<T>(
        &self,
        act: impl FnOnce(&mut Inner) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.runs().await;
        let failed = || Err(StoreError::Unavailable("it failed".to_owned()));
        sleep(Duration::from_millis(self.world.random(3).into())).await;
        self.runs().await;
        if self.world.happens(|faults| faults.failed) {
            return failed();
        }
        let done = act(&mut self.world.lock());
        sleep(Duration::from_millis(self.world.random(3).into())).await;
        self.runs().await;
        if self.world.happens(|faults| faults.failed) {
            return failed();
        }
        done
    }
}

/// The number and the word of an event as it is saved.
fn read(event: &[u8]) -> (u64, String) {
    let Entry { seq, frame, .. } = rmp_serde::from_slice(event).unwrap();
    let word = frame.event_data().unwrap();
    (seq.0, word.as_str().unwrap().to_owned())
}

impl Store for Fake {
    fn keeps(&self) -> bool {
        true
    }

    fn claim<'a>(
        &'a self,
        room: &'a RoomKey,
        from: Option<&'a NodeId>,
    ) -> BoxFuture<'a, Result<Claimed, StoreError>> {
        Box::pin(self.act(move |inner| {
            let me = self.me();
            let record = inner.records.entry(room.clone()).or_default();
            if let Some(owner) = &record.owner
                && *owner != me
                && Some(owner) != from
            {
                return Ok(Claimed::Theirs(owner.clone()));
            }
            inner.last_term += 1;
            record.term = inner.last_term;
            record.owner = Some(me.clone());
            let saved = (record.number > 0).then(|| Saved {
                cells: record.cells.clone(),
                number: record.number,
                doubtful: false,
            });
            let term = record.term;
            self.world
                .note(|| format!("{me} claims it: term {term}, {} commits", record.number));
            Ok(Claimed::Ours(Claim { term, saved }))
        }))
    }

    fn commit<'a>(&'a self, commit: Commit<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let Commit { room, publish, .. } = commit.clone();
            self.act(move |inner| {
                let Some(record) = inner.records.get_mut(commit.room) else {
                    return Err(StoreError::Behind);
                };
                if record.by == commit.term && record.number == commit.number {
                    return Ok(());
                }
                if record.term != commit.term || record.owner != Some(self.me()) {
                    return Err(StoreError::Lost);
                }
                if record.number + 1 != commit.number {
                    return Err(StoreError::Behind);
                }
                if commit.anew {
                    record.cells.clear();
                }
                for (cell, bytes) in commit.put {
                    if cell.starts_with("event:") {
                        let (number, word) = read(&bytes);
                        let known = inner.said.entry(number).or_insert_with(|| word.clone());
                        assert_eq!(*known, word, "two words are saved under {number}");
                    }
                    record.cells.insert(cell, bytes);
                }
                for cell in commit.delete {
                    record.cells.remove(&cell);
                }
                (record.number, record.by) = (commit.number, commit.term);
                self.world.note(|| {
                    let (term, number, then) = (commit.term, commit.number, &commit.then);
                    format!("{} commits {term}:{number}, {then:?}", self.me())
                });
                match commit.then {
                    Then::Keep => {}
                    Then::Release => record.owner = None,
                    Then::Remove => drop(inner.records.remove(commit.room)),
                }
                if let Some(bytes) = publish {
                    self.later(room, bytes);
                }
                Ok(())
            })
            .await
        })
    }

    fn left(&self) -> BoxFuture<'_, Result<Vec<RoomKey>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl Fake {
    /// Says it in the same step as something is saved.
    fn later(&self, room: &RoomKey, bytes: Vec<u8>) {
        self.world
            .note(|| format!("{} says {:?}", self.me(), Publication::read(&bytes)));
        let (world, room) = (Arc::clone(&self.world), room.clone());
        tokio::spawn(async move {
            let to = |_: &Option<NodeId>, rooms: &HashSet<RoomKey>| rooms.contains(&room);
            world.say(to, || Heard::Room(room.clone(), bytes.clone()));
        });
    }

    fn tell_later(&self, node: &NodeId, bytes: Vec<u8>) {
        self.world
            .note(|| format!("{} tells {node} {:?}", self.me(), Letter::read(&bytes)));
        let (world, node) = (Arc::clone(&self.world), node.clone());
        tokio::spawn(async move {
            let to = |me: &Option<NodeId>, _: &HashSet<RoomKey>| me.as_ref() == Some(&node);
            world.say(to, || Heard::Inbox(bytes.clone()));
        });
    }
}

/// Nothing is said of users here.
impl Everywhere for Fake {
    fn spread<'a>(&'a self, _news: &'a [News]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(pending())
    }

    fn all_news(&self) -> BoxFuture<'_, Result<Vec<News>, StoreError>> {
        Box::pin(pending())
    }

    fn redeem<'a>(&'a self, _token: &'a Use) -> BoxFuture<'a, Result<Used, StoreError>> {
        Box::pin(pending())
    }

    fn count<'a>(
        &'a self,
        _counts: &'a Counts,
    ) -> BoxFuture<'a, Result<CountsElsewhere, StoreError>> {
        Box::pin(pending())
    }
}

impl Nodes for Fake {
    fn me(&self) -> NodeId {
        self.life.lock().unwrap().0.clone()
    }

    fn good_until(&self) -> Instant {
        self.life.lock().unwrap().1
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            let me = NodeId::random();
            let until = Instant::now() + LEASE;
            self.ears.wants.lock().unwrap().0 = Some(me.clone());
            let lease = me.clone();
            self.act(move |inner| {
                inner.leases.insert(lease, Instant::now() + LEASE);
                Ok(())
            })
            .await?;
            *self.life.lock().unwrap() = (me, until);
            Ok(())
        })
    }

    fn renew(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            let me = self.me();
            let until = Instant::now() + LEASE;
            let renewed = self
                .act(|inner| {
                    let lease = inner.leases.get_mut(&me);
                    match lease.filter(|until| **until > Instant::now()) {
                        Some(until) => {
                            *until = Instant::now() + LEASE;
                            Ok(())
                        }
                        None => Err(StoreError::Lost),
                    }
                })
                .await;
            let mut life = self.life.lock().unwrap();
            match &renewed {
                Ok(()) => life.1 = until,
                Err(StoreError::Lost) => life.1 = life.1.min(Instant::now()),
                Err(_) => {}
            }
            renewed
        })
    }

    fn end(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let me = self.me();
            self.life.lock().unwrap().1 = Instant::now();
            let _ = self
                .act(|inner| {
                    inner.leases.remove(&me);
                    Ok(())
                })
                .await;
            self.set(Run::Dead);
        })
    }

    fn timing(&self) -> Timing {
        Timing {
            lease: LEASE,
            renew: RENEW,
        }
    }

    fn gone<'a>(&'a self, nodes: &'a [NodeId]) -> BoxFuture<'a, Result<Vec<NodeId>, StoreError>> {
        Box::pin(self.act(|inner| {
            let lives = |node: &&NodeId| {
                let lease = inner.leases.get(*node);
                lease.is_some_and(|until| *until > Instant::now())
            };
            let gone = nodes.iter().filter(|node| !lives(node));
            Ok(gone.cloned().collect())
        }))
    }

    fn forward<'a>(
        &'a self,
        room: &'a RoomKey,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Option<NodeId>, StoreError>> {
        Box::pin(self.act(move |inner| {
            let owner = inner.records.get(room).and_then(|room| room.owner.clone());
            if let Some(owner) = &owner {
                self.tell_later(owner, bytes);
            }
            Ok(owner)
        }))
    }

    fn tell<'a>(
        &'a self,
        node: &'a NodeId,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.act(move |_| {
            self.tell_later(node, bytes);
            Ok(())
        }))
    }

    fn tell_all(&self, _bytes: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(pending())
    }

    fn publish<'a>(
        &'a self,
        room: &'a RoomKey,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.act(move |_| {
            self.later(room, bytes);
            Ok(())
        }))
    }

    fn listen<'a>(&'a self, room: &'a RoomKey) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let listening = self
                .act(|_| {
                    self.ears.wants.lock().unwrap().1.insert(room.clone());
                    Ok(())
                })
                .await;
            if listening.is_err() {
                drop(self.unlisten(room));
            }
            listening
        })
    }

    fn unlisten<'a>(&'a self, room: &'a RoomKey) -> BoxFuture<'a, Result<(), StoreError>> {
        self.ears.wants.lock().unwrap().1.remove(room);
        Box::pin(async { Ok(()) })
    }

    fn hear(&self) -> mpsc::Receiver<Heard> {
        let hears = self.hears.lock().unwrap().take();
        hears.unwrap_or_else(|| mpsc::channel(1).1)
    }

    fn touch<'a>(
        &'a self,
        _rooms: &'a [(RoomKey, Duration)],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
