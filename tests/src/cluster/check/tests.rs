//! Diaries that were forged: whatever is wrong in them is found, and nothing else.

use super::{Account, Breach, check};
use crate::cluster::{
    diary::{Diary, Note, What},
    ledger::{Ledger, LedgerEvent},
};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(8);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn sent(id: u64, key: u64) -> What {
    What::Sent { id, key }
}

fn acked(id: u64, key: u64, number: u64) -> What {
    let number = Some(number);
    What::Acked { id, key, number }
}

fn welcomed(epoch: &str, resumed: bool) -> What {
    What::Welcomed {
        epoch: epoch.to_owned(),
        resumed,
        seat: Some(0),
    }
}

fn ledger(entries: &[u64], whispers: &[(&str, u64)]) -> Ledger {
    let whispers = whispers
        .iter()
        .map(|(user, nth)| ((*user).to_owned(), *nth));
    Ledger {
        entries: entries.to_vec(),
        due: 0,
        whispers: whispers.collect(),
    }
}

fn shown(seq: u64, entries: &[u64]) -> What {
    let ledger = ledger(entries, &[]);
    What::Shown { seq, ledger }
}

fn told(seq: u64, number: u64, key: u64) -> What {
    let event = LedgerEvent::Added { number, key };
    What::Told { seq, event }
}

fn whispered(seq: u64, to: &str, nth: u64) -> What {
    let to = to.to_owned();
    let event = LedgerEvent::Whispered { to, nth };
    What::Told { seq, event }
}

fn synced(seq: u64) -> What {
    What::Synced { seq }
}

fn lost() -> What {
    What::Lost { code: None }
}

/// Ann makes the entries 11, 12 and 13, and is cut off between the second, whose ack is lost, and
/// the third; ben hears of them.
fn ann() -> Vec<What> {
    vec![
        welcomed("e", false),
        shown(0, &[]),
        synced(0),
        sent(1, 11),
        told(1, 1, 11),
        acked(1, 11, 1),
        sent(2, 12),
        lost(),
        welcomed("e", true),
        told(2, 2, 12),
        synced(2),
        sent(2, 12),
        acked(2, 12, 2),
        sent(3, 13),
        told(3, 3, 13),
        whispered(4, "ann", 1),
        acked(3, 13, 3),
    ]
}

fn ben() -> Vec<What> {
    vec![
        welcomed("e", false),
        shown(1, &[11]),
        synced(1),
        told(2, 2, 12),
        told(3, 3, 13),
    ]
}

/// A room in whose end there are the entries 11, 12 and 13; everything in a diary is noted a second
/// after what comes before it.
fn account(diaries: [(&str, Vec<What>); 2]) -> Account {
    let diaries = diaries.map(|(user, whats)| {
        let notes: Vec<_> = (0..)
            .zip(whats)
            .map(|(at, what)| Note { at: secs(at), what })
            .collect();
        Diary {
            user: user.to_owned(),
            closed: secs(notes.len() as u64),
            is_patient: false,
            notes,
        }
    });
    Account {
        room: "r".to_owned(),
        finally: ledger(&[11, 12, 13], &[("ann", 1)]),
        diaries: diaries.into(),
    }
}

/// What is found in a room.
fn breaches(account: Account) -> Vec<(Option<String>, Breach)> {
    let found = check(&[account], PATIENCE).expect_err("something is wrong");
    let found = found.into_iter();
    found.map(|broken| (broken.user, broken.breach)).collect()
}

/// What is found if ann's diary is another.
fn found(change: impl FnOnce(&mut Vec<What>)) -> Vec<Breach> {
    let mut ann = ann();
    change(&mut ann);
    let found = breaches(account([("ann", ann), ("ben", ben())]));
    let found = found.into_iter();
    found
        .inspect(|(user, _)| assert_ne!(user.as_deref(), Some("ben"), "nothing is wrong with ben"))
        .map(|(_, breach)| breach)
        .collect()
}

/// What is found if the room is another in the end.
fn found_in_the_end(entries: &[u64]) -> Vec<Breach> {
    let mut account = account([("ann", ann()), ("ben", ben())]);
    account.finally.entries = entries.to_vec();
    let found = breaches(account).into_iter();
    found.map(|(_, breach)| breach).collect()
}

#[test]
fn what_is_as_it_should_be_has_nothing_found_in_it() {
    let account = account([("ann", ann()), ("ben", ben())]);
    let figures = check(&[account.clone(), account], PATIENCE).expect("nothing is wrong");
    assert_eq!((figures.rooms, figures.players), (2, 4));
    assert_eq!((figures.acked, figures.told), (6, 12));
    assert_eq!((figures.lost, figures.resumed, figures.resets), (2, 2, 0));
    assert_eq!((figures.away, figures.waited), (secs(3), secs(6)));
}

#[test]
fn an_acked_message_that_is_lost_is_found() {
    let found = found_in_the_end(&[11, 12]);
    assert!(found.contains(&Breach::Lost(13)), "{found:?}");
    // One that is to come later has no number.
    let found = self::found(|ann| {
        let later = What::Acked {
            id: 4,
            key: 14,
            number: None,
        };
        ann.extend([sent(4, 14), later]);
    });
    assert_eq!(found, [Breach::Lost(14)]);
}

#[test]
fn a_message_that_is_there_twice_is_found() {
    let found = found_in_the_end(&[11, 12, 13, 12]);
    assert!(found.contains(&Breach::Twice(12)), "{found:?}");
}

#[test]
fn a_message_that_nobody_has_sent_is_found() {
    let found = found_in_the_end(&[11, 12, 13, 99]);
    assert!(found.contains(&Breach::Invented(99)), "{found:?}");
}

#[test]
fn a_gap_is_found() {
    let missed = found(|ann| drop(ann.remove(9)));
    // The ack of what it has missed comes before its event, too.
    assert_eq!(missed, [Breach::EarlyAck(12), Breach::Gap(1, 3)]);
    let word = found(|ann| ann[15] = whispered(4, "ann", 2));
    assert_eq!(word, [Breach::Gap(0, 2), Breach::Behind(2, 1)]);
    let last = found(|ann| drop(ann.remove(15)));
    assert_eq!(last, [Breach::Behind(0, 1)]);
}

#[test]
fn a_repeat_is_found() {
    let again = found(|ann| ann.insert(5, told(1, 1, 11)));
    assert_eq!(again, [Breach::OutOfOrder(1), Breach::Repeated(1)]);
    let resumed = found(|ann| ann.insert(9, told(1, 1, 11)));
    assert_eq!(resumed, [Breach::OutOfOrder(1), Breach::Repeated(1)]);
    let renumbered = found(|ann| ann.push(told(5, 3, 13)));
    assert_eq!(renumbered, [Breach::Repeated(3)]);
}

#[test]
fn events_in_another_order_are_found() {
    let found = found(|ann| ann.swap(14, 15));
    assert!(found.contains(&Breach::OutOfOrder(3)), "{found:?}");
    let synced = self::found(|ann| ann[10] = self::synced(1));
    assert_eq!(synced, [Breach::OutOfOrder(1)]);
}

#[test]
fn a_fork_is_found() {
    // What one was told is not what there is in the end.
    let told_other = breaches(account([
        ("ann", ann()),
        ("ben", {
            let mut ben = ben();
            ben[4] = told(3, 3, 99);
            ben
        }),
    ]));
    let ben = |breach| (Some("ben".to_owned()), breach);
    let two = Breach::TwoEvents("e".to_owned(), 3);
    assert_eq!(told_other, [ben(two), ben(Breach::Forked(3))]);
    // The numbers of the events differ, in one epoch.
    let renumbered = breaches(account([
        ("ann", ann()),
        ("ben", {
            let mut ben = self::ben();
            ben[4] = told(4, 3, 13);
            ben
        }),
    ]));
    assert_eq!(renumbered, [ben(Breach::TwoEvents("e".to_owned(), 4))]);
    // What was shown, and what was acked.
    let shown_other = found(|ann| {
        ann.extend([lost(), welcomed("f", false), shown(0, &[11, 13, 12])]);
        ann.push(synced(0));
    });
    let behind = Breach::Behind(0, 1);
    let back = Breach::WentBack(1, 0);
    assert_eq!(
        shown_other,
        [Breach::Forked(2), Breach::Forked(3), back, behind]
    );
    let acked_other = found(|ann| ann[5] = acked(1, 11, 2));
    assert_eq!(acked_other, [Breach::Forked(2), Breach::EarlyAck(11)]);
}

#[test]
fn a_new_epoch_has_numbers_of_its_own_and_all_that_was_known() {
    let anew = |entries: &[u64]| {
        let ledger = ledger(entries, &[("ann", 1)]);
        [
            lost(),
            welcomed("f", false),
            What::Shown { seq: 1, ledger },
            synced(1),
        ]
    };
    let mut ann = ann();
    ann.extend(anew(&[11, 12, 13]));
    let whole = account([("ann", ann), ("ben", ben())]);
    assert_eq!(
        check(&[whole], PATIENCE).map(|figures| figures.resets),
        Ok(1)
    );
    let less = found(|ann| ann.extend(anew(&[11, 12])));
    assert_eq!(less, [Breach::WentBack(3, 2), Breach::Behind(2, 3)]);
}

#[test]
fn resuming_in_another_epoch_is_found() {
    let found = found(|ann| ann[8] = welcomed("f", true));
    assert_eq!(found, [Breach::ResumedElsewhere("f".to_owned())]);
}

#[test]
fn an_event_that_nothing_was_shown_before_is_found() {
    let mut found = found(|ann| drop(ann.remove(1)));
    assert_eq!(found.remove(0), Breach::Unasked(1));
    let unconnected = self::found(|ann| drop(ann.remove(8)));
    assert_eq!(
        unconnected,
        [Breach::Unasked(2), Breach::Unasked(3), Breach::Unasked(4)]
    );
}

#[test]
fn what_was_for_another_is_found() {
    let found = found(|ann| ann.push(whispered(5, "ben", 1)));
    assert_eq!(found, [Breach::Overheard("ben".to_owned())]);
}

#[test]
fn an_ack_before_its_event_is_found() {
    let found = found(|ann| ann.swap(4, 5));
    assert_eq!(found, [Breach::EarlyAck(11)]);
}

#[test]
fn a_second_answer_over_one_connection_is_found() {
    let twice = found(|ann| ann.insert(6, acked(1, 11, 1)));
    assert_eq!(twice, [Breach::AnsweredTwice(1)]);
    // Over another connection it is as it should be.
    let mut ann = ann();
    ann.insert(11, acked(1, 11, 1));
    let again = account([("ann", ann), ("ben", ben())]);
    assert!(check(&[again], PATIENCE).is_ok());
}

#[test]
fn a_refusal_is_found_unless_it_is_for_now() {
    let refused = |code: &str| What::Refused {
        id: 2,
        key: 12,
        code: code.to_owned(),
    };
    let stale = found(|ann| ann.insert(7, refused("stale_id")));
    assert_eq!(stale, [Breach::Refused("stale_id".to_owned())]);
    let mut ann = ann();
    ann.insert(7, refused("unavailable"));
    let later = account([("ann", ann), ("ben", ben())]);
    assert_eq!(
        check(&[later], PATIENCE).map(|figures| figures.unavailable),
        Ok(1)
    );
}

#[test]
fn another_seat_is_found() {
    let found = found(|ann| {
        ann[8] = What::Welcomed {
            epoch: "e".to_owned(),
            resumed: true,
            seat: Some(1),
        };
    });
    assert_eq!(found, [Breach::Reseated]);
}

#[test]
fn being_sent_away_or_puzzled_is_found() {
    let away = found(|ann| ann[7] = What::Lost { code: Some(4009) });
    assert_eq!(away, [Breach::SentAway(4009)]);
    let by = "{}".to_owned();
    let puzzled = found(|ann| ann.push(What::Puzzled { by }));
    assert_eq!(puzzled, [Breach::Puzzled("{}".to_owned())]);
}

#[test]
fn a_message_without_an_answer_is_found() {
    let found = found(|ann| drop(ann.pop()));
    assert_eq!(found, [Breach::Unanswered(13)]);
}

#[test]
fn whoever_was_away_for_too_long_is_found() {
    let slow = |at: usize, ends: bool, is_patient: bool| {
        let mut account = account([("ann", ann()), ("ben", ben())]);
        let ann = &mut account.diaries[0];
        for note in &mut ann.notes[at..] {
            note.at += secs(10);
        }
        ann.closed += secs(10);
        ann.is_patient = is_patient;
        if ends {
            ann.notes.truncate(at);
        }
        let found = check(&[account], PATIENCE).err().unwrap_or_default();
        let found = found.into_iter();
        found.map(|broken| broken.breach).collect::<Vec<_>>()
    };
    assert_eq!(
        slow(8, false, false),
        [Breach::Away(secs(13)), Breach::Late(secs(16))]
    );
    // An answer that takes as long, although the connection is there.
    assert_eq!(slow(16, false, false), [Breach::Late(secs(13))]);
    assert_eq!(slow(8, false, true), []);
    // It never comes back.
    assert_eq!(slow(8, true, false).last(), Some(&Breach::Away(secs(20))));
}
