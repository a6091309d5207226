//! What a replica knows: who of this node is in the room, and up to where it has heard what was said.

use super::{Attached, Moved, Next};
use crate::{
    clock::Timestamp,
    game::{Connection, Newcomer},
    ids::SessionId,
    log::SharedLog,
    protocol::{Close, Seq},
    room::{Ear, Far, Found, Hall, Outlet, Publication, Standing},
    store::NodeId,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// How many publications may wait for one that is missing.
const MOST_EARLY: usize = 1024;

pub(super) struct State {
    pub(super) owner: NodeId,
    pub(super) hall: Hall,
    pub(super) members: HashMap<Connection, Local>,
    /// The members' connections, by the numbers under which the owner knows them.
    known_as: HashMap<Connection, Connection>,
    /// Those numbers of members who were sent away, until they have left.
    parted: HashMap<Connection, Connection>,
    /// Up to where publications have been heard; `None` before the first.
    pub(super) at: Option<At>,
    /// Publications after one that is missing, by their numbers.
    early: BTreeMap<u64, Publication>,
    /// Those of a later owner than the one that is known, by its term and their numbers.
    later: BTreeMap<(u64, u64), Publication>,
    /// This is no replica any more.
    pub(super) moved: Option<Moved>,
}

/// Up to where publications have been heard.
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) epoch: String,
    pub(super) term: u64,
    /// How many of that term's.
    pub(super) published: u64,
    /// The last commit that was told of.
    pub(super) commit: u64,
}

/// A member on this node, or somebody who would be one.
pub(super) struct Local {
    pub(super) outlet: Arc<Outlet>,
    session: SessionId,
    came: Timestamp,
    /// Under which number the owner knows it: another for each time that it asks for a place, so that
    /// it is let in by the last one alone.
    known_as: Connection,
    /// Whether it has been let in.
    is_in: bool,
    /// How many of its messages have been answered.
    answered: Arc<AtomicU64>,
}

impl State {
    pub(super) fn new(owner: NodeId) -> Self {
        Self {
            owner,
            hall: Hall::new(SharedLog::beginning_at(Seq::default())),
            members: HashMap::new(),
            known_as: HashMap::new(),
            parted: HashMap::new(),
            at: None,
            early: BTreeMap::new(),
            later: BTreeMap::new(),
            moved: None,
        }
    }

    /// Somebody asks for a place, maybe once more, under this number. Answers whether it has one.
    pub(super) fn ask(
        &mut self,
        outlet: &Arc<Outlet>,
        newcomer: &Newcomer,
        known_as: Connection,
    ) -> bool {
        let connection = outlet.connection;
        let local = self.members.entry(connection).or_insert_with(|| Local {
            outlet: Arc::clone(outlet),
            session: newcomer.session.clone(),
            came: newcomer.came,
            known_as,
            is_in: false,
            answered: Arc::default(),
        });
        if !local.is_in {
            self.known_as.remove(&local.known_as);
            local.known_as = known_as;
            self.known_as.insert(known_as, connection);
            self.hall.insert(Arc::clone(outlet));
        }
        local.is_in
    }

    /// Takes a connection out; answers with the number under which the owner knows it.
    pub(super) fn take_out(&mut self, connection: Connection) -> Option<Connection> {
        self.hall.remove(connection);
        let Some(local) = self.members.remove(&connection) else {
            return self.parted.remove(&connection);
        };
        self.known_as.remove(&local.known_as);
        Some(local.known_as)
    }

    /// Under which number the owner knows a connection.
    pub(super) fn known_as(&self, connection: Connection) -> Option<Connection> {
        let local = self.members.get(&connection)?;
        Some(local.known_as)
    }

    pub(super) fn term(&self) -> Option<u64> {
        self.at.as_ref().map(|at| at.term)
    }

    /// Hears a publication; answers what is to be done beside.
    pub(super) fn hear(&mut self, publication: Publication, me: &NodeId) -> Next {
        if self.moved.is_some() {
            return Next::Nothing;
        }
        let Some(at) = &self.at else {
            return self.apply(publication, me);
        };
        if publication.term > at.term {
            let key = (publication.term, publication.number);
            if self.later.len() < MOST_EARLY {
                self.later.insert(key, publication);
            }
            return Next::Settle;
        }
        if publication.term < at.term || publication.number <= at.published {
            return Next::Nothing;
        }
        if publication.number > at.published + 1 {
            let (term, number) = (publication.term, publication.number);
            if self.early.len() < MOST_EARLY {
                self.early.insert(number, publication);
            }
            return Next::CatchUp(term, number);
        }
        let mut next = self.apply(publication, me);
        while let Some(at) = &self.at
            && let Some(publication) = self.early.remove(&(at.published + 1))
        {
            next = self.apply(publication, me);
        }
        let at = self.at.as_ref().map_or(0, |at| at.published);
        self.early.retain(|number, _| *number > at);
        next
    }

    /// Delivers the next publication.
    fn apply(&mut self, publication: Publication, me: &NodeId) -> Next {
        let before = publication.before();
        if before != self.hall.log().read().last() {
            self.begin_after(before);
        }
        self.at = Some(At {
            epoch: publication.epoch.clone(),
            term: publication.term,
            published: publication.number,
            commit: publication.commit,
        });
        let next = match publication.is_released {
            true => Next::Settle,
            false => Next::Nothing,
        };
        let known_as = &self.known_as;
        let here = |far: Far| match far.node == *me {
            true => known_as.get(&far.connection).copied(),
            false => None,
        };
        let (effects, now, untold) = publication.into_effects(here);
        for connection in effects.entered() {
            if let Some(local) = self.members.get_mut(&connection) {
                local.is_in = true;
            }
        }
        for connection in effects.answered() {
            if let Some(local) = self.members.get(&connection) {
                local.answered.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.hall.deliver(effects, now, untold);
        let hall = &self.hall;
        self.members
            .retain(|connection, _| hall.get(*connection).is_some());
        self.forget_numbers();
        next
    }

    /// Forgets the numbers of those who are not here any more.
    fn forget_numbers(&mut self) {
        let members = &self.members;
        self.known_as
            .retain(|_, connection| members.contains_key(connection));
    }

    /// Goes on after an event, without those before it. They were said while nobody here was in the
    /// room, for then nothing is published; whoever is in it all the same has missed them.
    fn begin_after(&mut self, last: Seq) {
        self.part(Close::Moved);
        let mut hall = Hall::new(SharedLog::beginning_at(last));
        for local in self.members.values() {
            hall.insert(Arc::clone(&local.outlet));
        }
        self.hall = hall;
    }

    /// Sends those away who are in the room. The others are on their way to it, wherever it is.
    pub(super) fn part(&mut self, close: Close) {
        let (hall, parted) = (&mut self.hall, &mut self.parted);
        self.members.retain(|connection, local| {
            if local.is_in {
                parted.insert(*connection, local.known_as);
                hall.close(*connection, close);
            }
            !local.is_in
        });
        self.forget_numbers();
    }

    /// Sends one away who is in the room.
    pub(super) fn part_one(&mut self, connection: Connection, close: Close) {
        self.hall.close(connection, close);
        if let Some(known_as) = self.take_out(connection) {
            self.parted.insert(connection, known_as);
        }
    }

    /// Those who are in the room.
    pub(super) fn attached(&self) -> Vec<Attached> {
        let inside = self.members.values().filter(|local| local.is_in);
        inside
            .map(|local| Attached {
                user: local.outlet.user.clone(),
                session: local.session.clone(),
                came: local.came,
                connection: local.known_as,
            })
            .collect()
    }

    /// The room goes on elsewhere: hears what is said there, and has those go who can't be told what
    /// was said before.
    pub(super) fn go_on_from(&mut self, standing: &Standing, me: &NodeId) -> Next {
        let follows = self
            .at
            .as_ref()
            .is_some_and(|at| at.epoch == standing.epoch && at.commit == standing.began);
        if !follows {
            self.part(Close::Moved);
        }
        let later = std::mem::take(&mut self.later);
        let first = later.keys().find(|(term, _)| *term == standing.term);
        let begin = match first {
            // Whoever is on the way has its answer in what has been heard, or in what is to come.
            _ if self.members.values().all(|local| !local.is_in) => {
                let before = first.map_or(standing.published, |(_, number)| number - 1);
                before.min(standing.published)
            }
            _ => 0,
        };
        self.at = Some(At {
            epoch: standing.epoch.clone(),
            term: standing.term,
            published: begin,
            commit: standing.began,
        });
        self.early.clear();
        let mut next = Next::Nothing;
        for ((term, _), publication) in later {
            if term == standing.term {
                next = self.hear(publication, me);
            }
        }
        match (next, &self.at) {
            (Next::Nothing, Some(at)) if at.published < standing.published => {
                Next::CatchUp(standing.term, standing.published)
            }
            (next, _) => next,
        }
    }

    /// Where to begin: whoever has just got its place is told so after a number.
    pub(super) fn begin_at(&mut self, before: u64, standing: &Standing) {
        self.at.get_or_insert_with(|| At {
            epoch: standing.epoch.clone(),
            term: standing.term,
            published: before,
            commit: standing.began,
        });
    }

    /// How many messages of a member have been answered.
    pub(super) fn answered(&self, connection: Connection) -> Option<Arc<AtomicU64>> {
        let local = self.members.get(&connection)?;
        Some(Arc::clone(&local.answered))
    }

    /// Those who are in, for the room that is on this node now. Those who are not are on their way to
    /// it.
    pub(super) fn give_members(&mut self) -> Vec<(Ear, Found)> {
        let members = std::mem::take(&mut self.members).into_values();
        let inside = members.filter(|local| local.is_in);
        inside
            .map(|local| {
                let found = Found {
                    user: local.outlet.user.clone(),
                    session: local.session,
                    came: local.came,
                    connection: local.outlet.connection,
                };
                (Ear::Here(local.outlet), found)
            })
            .collect()
    }
}
