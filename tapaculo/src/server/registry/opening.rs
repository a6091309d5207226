//! How a room comes to be: it is claimed, and made or gone on with; or another node has it.

use super::{Open, Registry};
use crate::{
    auth::word,
    closures::{Closures, Handlers},
    cluster::Replica,
    game::{Game, Identity, Settings},
    ids::RoomId,
    protocol::Close,
    room::{Door, Keep, Keeper, LockedRoom, NoRoom, Unreadable, past},
    store::{Claim, Claimed, Commit, NodeId, RoomKey, StoreError, Then},
};
use futures_util::future::BoxFuture;
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::OnceCell;

/// The length of a room's epoch, a random word: a hundred bits.
const EPOCH_CHARACTERS: usize = 20;

/// How long the record of a room that could not be read stays after it was claimed.
const UNREAD_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A game that is served, whatever its types.
pub(in crate::server) trait AnyGame: Send + Sync {
    /// The game's name.
    fn name(&self) -> &'static str;

    /// Makes a room that nobody is in yet, or goes on with one that was saved.
    fn open<'a>(
        &'a self,
        opening: Opening,
        registry: &'a Registry,
    ) -> BoxFuture<'a, Result<Arc<dyn Door>, Unreadable>>;
}

/// What is needed to open a room.
pub(in crate::server) struct Opening {
    key: RoomKey,
    claim: Claim,
    /// Tells this life of the room in this process from others.
    number: u64,
}

/// The game `G`, and what its rooms are like on this server.
pub(in crate::server) struct Served<G: Game> {
    settings: Settings,
    /// The game of a room, if there is one before somebody joins.
    begin: Begin<G>,
}

type Begin<G> = Box<dyn Fn(&Weak<LockedRoom<G>>) -> Option<G> + Send + Sync>;

impl<G: Game> Served<G> {
    /// A game as it is declared.
    pub(in crate::server) fn declared() -> Self {
        Self {
            settings: G::SETTINGS,
            begin: Box::new(|_| None),
        }
    }
}

impl Served<Closures> {
    /// Rooms of these closures.
    pub(in crate::server) fn closures(settings: Settings, handlers: Handlers) -> Self {
        let handlers = Arc::new(handlers);
        Self {
            settings,
            begin: Box::new(move |room| Some(Closures::new(Arc::clone(&handlers), room))),
        }
    }
}

impl<G: Game> AnyGame for Served<G> {
    fn name(&self) -> &'static str {
        G::NAME
    }

    fn open<'a>(
        &'a self,
        opening: Opening,
        registry: &'a Registry,
    ) -> BoxFuture<'a, Result<Arc<dyn Door>, Unreadable>> {
        Box::pin(async move {
            let Opening { key, claim, number } = opening;
            let commits = claim.saved.as_ref().map_or(0, |saved| saved.number);
            let saved = claim.saved.filter(|saved| !saved.cells.is_empty());
            if saved.is_some() && G::PERSIST.is_none() {
                let why = "an older version has saved it, and this one does not say `persist`";
                return Err(Unreadable::new(why));
            }
            let past = match &saved {
                Some(saved) => Some((past(&saved.cells)?, saved.doubtful)),
                None => None,
            };
            let epoch = match past {
                // All that was told of it is there, under its numbers.
                Some((past, false)) if past.is_complete => past.epoch,
                _ => word(EPOCH_CHARACTERS),
            };
            let identity = Identity {
                game: G::NAME,
                room: key.room.clone(),
                epoch,
                settings: self.settings,
                opened: number,
            };
            let keep = Keep::new(
                Arc::clone(&registry.store),
                registry.cluster().map(|cluster| cluster.nodes()),
                key,
                claim.term,
                commits,
                &self.settings,
            );
            let room = LockedRoom::<G>::new(
                identity,
                &self.begin,
                rand::random(),
                registry.clock,
                keep,
                registry.me.clone() as Weak<dyn Keeper>,
            );
            if let Some(saved) = saved {
                room.restore(&saved, registry.grace()).await?;
            }
            Ok(room as Arc<dyn Door>)
        })
    }
}

impl Registry {
    /// Asks the store for a room: it is this node's from then on, or another's.
    pub(super) async fn claim(
        &self,
        game: &'static str,
        room: &RoomId,
        number: u64,
    ) -> Result<Arc<dyn Door>, NoRoom> {
        let key = RoomKey {
            game: game.into(),
            room: room.clone(),
        };
        // What it would claim could not be spoken for.
        let has_lease = self
            .cluster()
            .is_none_or(|cluster| cluster.nodes().has_lease());
        if !has_lease {
            return Err(NoRoom::Unavailable(StoreError::Lost));
        }
        let mut gone: Option<NodeId> = None;
        loop {
            let claimed = self.store.claim(&key, gone.as_ref()).await;
            match claimed.map_err(NoRoom::Unavailable)? {
                Claimed::Ours(claim) => {
                    let is_known = claim.saved.is_some() && self.cluster().is_some();
                    let door = self.open_claimed(game, key, claim, number).await?;
                    if is_known {
                        // Nodes that have members of it may have heard nothing since it was lost.
                        Arc::clone(&door).found(Vec::new()).await;
                    }
                    return Ok(door);
                }
                Claimed::Theirs(node) => {
                    let Some(cluster) = self.cluster() else {
                        return Err(NoRoom::Unavailable(StoreError::Lost));
                    };
                    if cluster.is_gone(&node).await.map_err(NoRoom::Unavailable)? {
                        gone = Some(node);
                        continue;
                    }
                    let replica = Replica::open(cluster, game, key, node).await;
                    return replica.map_err(NoRoom::Unavailable);
                }
            }
        }
    }

    /// Opens a room that is this node's.
    async fn open_claimed(
        &self,
        game: &'static str,
        key: RoomKey,
        claim: Claim,
        number: u64,
    ) -> Result<Arc<dyn Door>, NoRoom> {
        let served = self.games.get(game).ok_or(NoRoom::Ending)?;
        let term = claim.term;
        let commits = claim.saved.as_ref().map_or(0, |saved| saved.number);
        let opening = Opening {
            key: key.clone(),
            claim,
            number,
        };
        let unreadable = match served.open(opening, self).await {
            Ok(door) => return Ok(door),
            Err(unreadable) => unreadable,
        };
        tracing::error!(game, room = %key.room, why = %unreadable, "what was saved of a room can't be read; it stays as it is");
        // Another node may be of another version.
        self.release(&key, term, commits).await;
        Err(NoRoom::Unreadable)
    }

    /// Gives a room back that was claimed and is not opened; what was saved of it stays as it is.
    async fn release(&self, key: &RoomKey, term: u64, commits: u64) {
        let release = Commit {
            room: key,
            term,
            number: commits + 1,
            anew: false,
            put: Vec::new(),
            delete: Vec::new(),
            then: Then::Release,
            keep_for: UNREAD_KEPT,
            publish: None,
        };
        if let Err(error) = self.store.commit(release).await {
            tracing::debug!(%error, "not released");
        }
    }

    /// Goes on with a room that another node had and of which this one has members; the room takes the
    /// place of its replica.
    pub(super) async fn take_over(
        &self,
        game: &'static str,
        key: &RoomKey,
        claim: Claim,
        replica: &Replica,
    ) -> Result<(), NoRoom> {
        if self.rooms().closed {
            let commits = claim.saved.as_ref().map_or(0, |saved| saved.number);
            self.release(key, claim.term, commits).await;
            return Err(NoRoom::Ending);
        }
        let number = self.next_opening();
        let door = self.open_claimed(game, key.clone(), claim, number).await?;
        // Before anybody else can come to it: nothing is to happen there that they don't hear.
        replica.hand_over(&door).await;
        let open = Open {
            number,
            door: OnceCell::new_with(Some(Arc::clone(&door))),
        };
        let closed = {
            let mut rooms = self.rooms();
            rooms.open.insert((game, key.room.clone()), Arc::new(open));
            rooms.closed
        };
        if closed {
            door.close(Close::Restarting).await;
        }
        Ok(())
    }
}
