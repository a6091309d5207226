//! The figures themselves: looked up once by their names, and kept.

use super::{BannedBy, Handler, names};
use crate::protocol::{Close, ErrorCode};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

/// Those of this process, once a server was built.
static METERS: RwLock<Option<Arc<Meters>>> = RwLock::new(None);

/// Error codes, so that there is a zero of each before there is one.
const REFUSED: [ErrorCode; 14] = [
    ErrorCode::BadFrame,
    ErrorCode::BadMessage,
    ErrorCode::ForgedSender,
    ErrorCode::Rejected,
    ErrorCode::TooLarge,
    ErrorCode::RateLimited,
    ErrorCode::Banned,
    ErrorCode::Spectator,
    ErrorCode::RoomFull,
    ErrorCode::Unauthorized,
    ErrorCode::Conflict,
    ErrorCode::StaleId,
    ErrorCode::Unavailable,
    ErrorCode::Internal,
];

/// With which codes the server closes, likewise.
const CLOSES: [Close; 14] = [
    Close::ProtocolError,
    Close::InvalidData,
    Close::TooLarge,
    Close::Internal,
    Close::Restarting,
    Close::TryLater,
    Close::Revoked,
    Close::Expired,
    Close::Refused,
    Close::Banned,
    Close::Replaced,
    Close::RoomClosed,
    Close::Kicked,
    Close::TooSlow,
];

/// Statuses with which a request is refused.
const STATUSES: [u16; 9] = [400, 401, 403, 404, 405, 408, 429, 500, 503];

/// What clients say who close: that they leave, that the page is gone, and whatever else.
const CLIENT_CODES: [&str; 3] = ["1000", "1001", "other"];

/// The figures of this process; `None` as long as it has built no server.
pub(super) fn meters() -> Option<Arc<Meters>> {
    let meters = METERS.read().unwrap_or_else(PoisonError::into_inner);
    meters.clone()
}

/// A server of these games is built: from here on what happens is counted. All is looked up anew, for
/// the process may have a recorder that it did not have before.
pub(crate) fn begin(games: impl Iterator<Item = &'static str>) {
    names::describe();
    let meters = Arc::new(Meters::new());
    let mut all = METERS.write().unwrap_or_else(PoisonError::into_inner);
    for game in games {
        meters.game(game);
    }
    *all = Some(meters);
}

/// What happens in this process.
pub(super) struct Meters {
    refusals: Labelled<ErrorCode>,
    rejections: Labelled<u16>,
    closed_by_server: Labelled<Close>,
    closed_by_client: Labelled<&'static str>,
    pub(super) lost: Counter,
    bans: [Counter; 2],
    resumed: Counter,
    reset: Counter,
    store_seconds: Histogram,
    store_failures: Counter,
    lease_losses: Counter,
    games: Mutex<HashMap<&'static str, Arc<OfGame>>>,
}

/// What happens in the rooms of one game.
pub(super) struct OfGame {
    pub(super) connections: Gauge,
    pub(super) opened: Counter,
    pub(super) rooms: Gauge,
    pub(super) messages: Counter,
    pub(super) received_bytes: Counter,
    pub(super) sent_frames: Counter,
    pub(super) sent_bytes: Counter,
    handled: [Histogram; 4],
}

/// Counters that differ in one label, most of whose values are known before.
struct Labelled<L> {
    known: Vec<(L, Counter)>,
    find: fn(L) -> Counter,
}

impl<L: Copy + PartialEq> Labelled<L> {
    fn new(known: &[L], find: fn(L) -> Counter) -> Self {
        let known = known.iter().map(|label| (*label, find(*label)));
        Self {
            known: known.collect(),
            find,
        }
    }

    fn count(&self, label: L) {
        match self.known.iter().find(|(known, _)| *known == label) {
            Some((_, counter)) => counter.increment(1),
            None => (self.find)(label).increment(1),
        }
    }
}

impl Meters {
    fn new() -> Self {
        Self {
            refusals: Labelled::new(
                &REFUSED,
                |code| counter!(names::REFUSALS, "code" => code.as_str()),
            ),
            rejections: Labelled::new(
                &STATUSES,
                |status| counter!(names::REJECTIONS, "status" => status.to_string()),
            ),
            closed_by_server: Labelled::new(
                &CLOSES,
                |close| counter!(names::CLOSED, "by" => "server", "code" => close.code().to_string()),
            ),
            closed_by_client: Labelled::new(
                &CLIENT_CODES,
                |code| counter!(names::CLOSED, "by" => "client", "code" => code),
            ),
            lost: counter!(names::CLOSED, "by" => "nobody", "code" => "1006"),
            bans: ["limit", "operator"].map(|by| counter!(names::BANS, "by" => by)),
            resumed: counter!(names::RESUMES, "outcome" => "resumed"),
            reset: counter!(names::RESUMES, "outcome" => "reset"),
            store_seconds: histogram!(names::STORE_SECONDS),
            store_failures: counter!(names::STORE_FAILURES),
            lease_losses: counter!(names::LEASE_LOSSES),
            games: Mutex::default(),
        }
    }

    /// The figures of a game.
    pub(super) fn game(&self, game: &'static str) -> Arc<OfGame> {
        let mut games = self.games.lock().unwrap_or_else(PoisonError::into_inner);
        let of_game = games.entry(game);
        Arc::clone(of_game.or_insert_with(|| Arc::new(OfGame::new(game))))
    }

    pub(super) fn refused(&self, code: ErrorCode) {
        self.refusals.count(code);
    }

    pub(super) fn rejected(&self, status: u16) {
        self.rejections.count(status);
    }

    pub(super) fn banned(&self, by: BannedBy) {
        let [limit, operator] = &self.bans;
        match by {
            BannedBy::Limit => limit.increment(1),
            BannedBy::Operator => operator.increment(1),
        }
    }

    pub(super) fn caught_up(&self, resumed: bool) {
        let outcome = if resumed { &self.resumed } else { &self.reset };
        outcome.increment(1);
    }

    pub(super) fn stored(&self, took: Duration, is_saved: bool) {
        self.store_seconds.record(took);
        if !is_saved {
            self.store_failures.increment(1);
        }
    }

    pub(super) fn lease_lost(&self) {
        self.lease_losses.increment(1);
    }

    pub(super) fn closed_by_server(&self, close: Close) {
        self.closed_by_server.count(close);
    }

    /// It may say any number: few of them are told apart.
    pub(super) fn closed_by_client(&self, code: u16) {
        let [normal, away, other] = CLIENT_CODES;
        self.closed_by_client.count(match code {
            1000 => normal,
            1001 => away,
            _ => other,
        });
    }
}

impl OfGame {
    fn new(game: &'static str) -> Self {
        Self {
            connections: gauge!(names::CONNECTIONS, "game" => game),
            opened: counter!(names::OPENED, "game" => game),
            rooms: gauge!(names::ROOMS, "game" => game),
            messages: counter!(names::MESSAGES, "game" => game),
            received_bytes: counter!(names::RECEIVED_BYTES, "game" => game),
            sent_frames: counter!(names::SENT_FRAMES, "game" => game),
            sent_bytes: counter!(names::SENT_BYTES, "game" => game),
            handled: ["message", "hook", "timer", "tick"].map(
                |handler| histogram!(names::HANDLER_SECONDS, "game" => game, "handler" => handler),
            ),
        }
    }

    pub(super) fn handled(&self, what: Handler) -> &Histogram {
        let [message, hook, timer, tick] = &self.handled;
        match what {
            Handler::Message => message,
            Handler::Hook => hook,
            Handler::Timer => timer,
            Handler::Tick => tick,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::PrometheusBuilder;

    #[test]
    fn what_the_store_takes_and_fails_at_and_a_lost_lease_are_counted() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let meters = metrics::with_local_recorder(&recorder, Meters::new);
        let figures = || {
            let page = recorder.handle().render();
            let lines = page.lines().map(str::to_owned);
            let lines = lines.filter(|line| line.starts_with("tapaculo_"));
            lines
                .filter(|line| !line.ends_with(" 0") && !line.contains("quantile"))
                .collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(figures(), [].into());
        meters.stored(Duration::from_millis(500), true);
        meters.stored(Duration::from_millis(250), false);
        meters.lease_lost();
        let expected = [
            "tapaculo_store_seconds_sum 0.75",
            "tapaculo_store_seconds_count 2",
            "tapaculo_store_failures_total 1",
            "tapaculo_lease_losses_total 1",
        ];
        assert_eq!(figures(), expected.map(str::to_owned).into());
    }
}
