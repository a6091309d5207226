use super::*;
use crate::{
    ids::RoomId,
    store::{Cells, Claim, Claimed, Then},
};
use futures_util::{FutureExt, future::join_all};
use redb::{BackendError, StorageBackend, TableDefinition, backends::FileBackend};
use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::{self, BufRead, BufReader, Write as _},
    ops::Bound,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(20);
const AN_HOUR: Duration = Duration::from_secs(3600);

fn key(game: &str, room: &str) -> RoomKey {
    RoomKey {
        game: game.into(),
        room: RoomId::new(room).unwrap(),
    }
}

fn cells<const N: usize>(cells: [(&str, &str); N]) -> Vec<(String, Vec<u8>)> {
    let cells = cells.into_iter();
    cells
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .collect()
}

fn commit(room: &RoomKey, term: u64, number: u64) -> Commit<'_> {
    Commit {
        room,
        term,
        number,
        anew: false,
        put: Vec::new(),
        delete: Vec::new(),
        then: Then::Keep,
        keep_for: AN_HOUR,
        publish: None,
    }
}

async fn claim(store: &FileStore, room: &RoomKey) -> Claim {
    match store.claim(room, None).await {
        Ok(Claimed::Ours(claim)) => claim,
        other => panic!("a file's rooms are for whoever has the file: {other:?}"),
    }
}

/// What is saved of a room, and its number.
async fn saved(store: &FileStore, room: &RoomKey) -> Option<(Cells, u64)> {
    let saved = claim(store, room).await.saved?;
    assert!(!saved.doubtful);
    Some((saved.cells, saved.number))
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A disk that counts its syncs, holds them up, and breaks.
#[derive(Clone, Debug, Default)]
struct Disk {
    syncs: Arc<AtomicUsize>,
    breaks: Arc<AtomicBool>,
    gate: Arc<Mutex<()>>,
}

#[derive(Debug)]
struct Backend(Disk, FileBackend);

impl Disk {
    fn store(&self, path: &Path) -> FileStore {
        let (disk, file) = (self.clone(), path.to_owned());
        let open = move || {
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).create(true).truncate(false);
            let backend = FileBackend::new(options.open(&file)?)?;
            Ok(Backend(disk.clone(), backend))
        };
        FileStore::begin(path.to_owned(), open).unwrap()
    }

    /// Lets no sync through while it is held.
    fn hold(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap()
    }

    fn syncs(&self) -> usize {
        self.syncs.load(Ordering::SeqCst)
    }

    fn works(&self) -> io::Result<()> {
        if self.breaks.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.1.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.1.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.works()?;
        self.1.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        drop(self.0.hold());
        self.0.works()?;
        self.0.syncs.fetch_add(1, Ordering::SeqCst);
        self.1.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.works()?;
        self.1.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.1.close()
    }

    fn try_lock_range(&self, from: Bound<u64>, to: Bound<u64>) -> Result<bool, BackendError> {
        self.1.try_lock_range(from, to)
    }

    fn unlock_range(&self, from: Bound<u64>, to: Bound<u64>) -> Result<(), BackendError> {
        self.1.unlock_range(from, to)
    }
}

#[tokio::test]
async fn a_room_is_as_it_was_saved_after_the_file_was_opened_again() {
    let folder = folder();
    let path = folder.path().join("rooms");
    let room = key("chess", "a");
    let store = FileStore::open(&path).unwrap();
    let Claim { term, saved: none } = claim(&store, &room).await;
    assert!(none.is_none());
    let first = Commit {
        put: cells([("state", "one"), ("seats", ""), ("log/1", "e4")]),
        ..commit(&room, term, 1)
    };
    store.commit(first).await.unwrap();
    let second = Commit {
        put: cells([("state", "two"), ("log/2", "e5")]),
        delete: vec!["log/1".to_owned(), "never".to_owned()],
        ..commit(&room, term, 2)
    };
    store.commit(second).await.unwrap();
    drop(store);

    let store = FileStore::open(&path).unwrap();
    let Claim { term, saved: again } = claim(&store, &room).await;
    let again = again.unwrap();
    let expected = cells([("log/2", "e5"), ("seats", ""), ("state", "two")]);
    assert_eq!(again.cells.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!((again.number, again.doubtful), (2, false));
    let anew = Commit {
        anew: true,
        put: cells([("state", "three")]),
        ..commit(&room, term, 3)
    };
    store.commit(anew).await.unwrap();
    drop(store);

    let store = FileStore::open(&path).unwrap();
    let (again, number) = saved(&store, &room).await.unwrap();
    assert_eq!(
        again.into_iter().collect::<Vec<_>>(),
        cells([("state", "three")])
    );
    assert_eq!(number, 3);
}

#[tokio::test]
async fn no_name_of_a_room_or_a_cell_reaches_into_another_room() {
    let folder = folder();
    let path = folder.path().join("rooms");
    let names = [
        "a",
        "a ",
        "a!",
        "a/b",
        "a:b",
        "a\u{a0}",
        "aa",
        "\u{10ffff}",
        "{x}",
        "日本",
        "é",
    ];
    let games = ["g", "g/a", "ga", "g\u{10ffff}"];
    let rooms = games
        .iter()
        .flat_map(|game| names.iter().map(|room| key(game, room)));
    let rooms: Vec<_> = rooms.collect();
    let store = FileStore::open(&path).unwrap();
    let mut terms = HashMap::new();
    for room in &rooms {
        let Claim { term, saved } = claim(&store, room).await;
        assert!(saved.is_none(), "{room:?} is another's");
        terms.insert(room, term);
        let whose = format!("{room:?}");
        let first = Commit {
            put: cells([
                ("", &whose),
                ("\0", &whose),
                ("\u{10ffff}", &whose),
                ("a", &whose),
            ]),
            ..commit(room, term, 1)
        };
        store.commit(first).await.unwrap();
    }
    // Every second one is over.
    for room in rooms.iter().step_by(2) {
        let end = Commit {
            then: Then::Remove,
            ..commit(room, terms[room], 2)
        };
        store.commit(end).await.unwrap();
    }
    drop(store);
    let store = FileStore::open(&path).unwrap();
    let mut left: Vec<_> = rooms.iter().skip(1).step_by(2).cloned().collect();
    left.sort();
    assert_eq!(store.left().await.unwrap(), left);
    for (index, room) in rooms.iter().enumerate() {
        let saved = saved(&store, room).await;
        let Some((saved, number)) = saved else {
            assert!(index % 2 == 0, "{room:?} is gone");
            continue;
        };
        assert_eq!((index % 2, number), (1, 1));
        let whose = format!("{room:?}").into_bytes();
        assert_eq!(saved.len(), 4);
        assert!(saved.values().all(|cell| *cell == whose), "{room:?}");
    }
}

#[tokio::test]
async fn what_is_refused_leaves_no_trace_and_the_others_of_its_batch_alone() {
    let folder = folder();
    let disk = Disk::default();
    let store = disk.store(&folder.path().join("rooms"));
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|room| key("chess", room));
    let mut terms = Vec::new();
    for room in [&a, &b, &c, &d] {
        terms.push(claim(&store, room).await.term);
    }
    let of = |room, term, number| Commit {
        put: cells([("state", "it is here")]),
        ..commit(room, term, number)
    };
    let before = disk.syncs();
    let held = disk.hold();
    // It waits for the disk, and the others for it: they are one batch.
    let mut first = store.commit(of(&a, terms[0], 1));
    assert!((&mut first).now_or_never().is_none());
    let mut others = join_all([
        store.commit(of(&b, terms[1], 1)),
        store.commit(of(&c, terms[2] + 1000, 1)), // somebody else's term
        store.commit(of(&d, terms[3], 2)),        // one was left out
        store.commit(of(&a, terms[0], 2)),
        store.commit(of(&a, terms[0], 4)), // and here, after one that is right
    ]);
    assert!((&mut others).now_or_never().is_none());
    drop(held);
    first.await.unwrap();
    let first_syncs = disk.syncs() - before;
    let lost = Err(StoreError::Lost);
    let behind = || Err(StoreError::Behind);
    assert_eq!(others.await, [Ok(()), lost, behind(), Ok(()), behind()]);
    assert!(
        disk.syncs() - before <= 2 * first_syncs.max(1),
        "not one batch"
    );
    let [a, b, c, d] = [&a, &b, &c, &d].map(|room| saved(&store, room));
    assert_eq!(a.await.map(|(_, number)| number), Some(2));
    assert_eq!(b.await.map(|(_, number)| number), Some(1));
    assert!(c.await.is_none() && d.await.is_none());
}

#[tokio::test]
async fn a_number_that_was_saved_may_come_again_and_changes_nothing() {
    let folder = folder();
    let store = FileStore::open(folder.path().join("rooms")).unwrap();
    let room = key("chess", "a");
    let term = claim(&store, &room).await.term;
    for value in ["once", "again"] {
        let save = Commit {
            put: cells([("state", value)]),
            ..commit(&room, term, 1)
        };
        store.commit(save).await.unwrap();
    }
    let end = |then| Commit {
        then,
        ..commit(&room, term, 2)
    };
    store.commit(end(Then::Keep)).await.unwrap();
    assert_eq!(
        store.commit(commit(&room, term, 1)).await,
        Err(StoreError::Behind)
    );
    store.commit(end(Then::Release)).await.unwrap();
    assert_eq!(store.left().await.unwrap(), std::slice::from_ref(&room));
    let (cells, number) = saved(&store, &room).await.unwrap();
    assert_eq!((cells["state"].as_slice(), number), (&b"once"[..], 2));
}

#[tokio::test]
async fn whoever_claimed_a_room_last_has_it_and_terms_grow_for_ever() {
    let folder = folder();
    let path = folder.path().join("rooms");
    let room = key("chess", "a");
    let mut last = 0;
    for number in 1..=3 {
        let store = FileStore::open(&path).unwrap();
        assert_eq!(store.left().await.unwrap().len(), usize::from(number > 1));
        // Nobody has it: what was claimed before the file was opened is over.
        let stale = store.commit(commit(&room, last, number)).await;
        assert_eq!(stale, Err(StoreError::Lost));
        let first = claim(&store, &room).await.term;
        let second = claim(&store, &room).await.term;
        assert!(last < first && first < second, "{last} {first} {second}");
        let stale = store.commit(commit(&room, first, number)).await;
        assert_eq!(stale, Err(StoreError::Lost));
        store.commit(commit(&room, second, number)).await.unwrap();
        assert!(store.left().await.unwrap().is_empty(), "it is taken");
        last = second;
    }
}

#[tokio::test]
async fn a_room_that_is_over_is_gone_and_one_that_is_let_go_can_be_claimed() {
    let folder = folder();
    let path = folder.path().join("rooms");
    let store = FileStore::open(&path).unwrap();
    let [over, free] = ["over", "free"].map(|room| key("chess", room));
    for (room, then) in [(&over, Then::Remove), (&free, Then::Release)] {
        let term = claim(&store, room).await.term;
        let save = |number, then| Commit {
            put: cells([("state", "x")]),
            then,
            ..commit(room, term, number)
        };
        store.commit(save(1, Then::Keep)).await.unwrap();
        store.commit(save(2, then)).await.unwrap();
        let late = store.commit(save(3, Then::Keep)).await;
        assert_eq!(late, Err(StoreError::Lost), "it has let it go");
    }
    assert_eq!(store.left().await.unwrap(), std::slice::from_ref(&free));
    assert!(saved(&store, &over).await.is_none());
    assert!(saved(&store, &free).await.is_some());
    drop(store);
    let store = FileStore::open(&path).unwrap();
    assert_eq!(store.left().await.unwrap(), [free]);
}

#[tokio::test]
async fn what_was_kept_long_enough_is_forgotten() {
    let folder = folder();
    let path = folder.path().join("rooms");
    let store = FileStore::open(&path).unwrap();
    let [short, open, long] = ["short", "open", "long"].map(|room| key("chess", room));
    let at_once = Duration::ZERO;
    for (room, then, keep_for) in [
        (&short, Then::Release, at_once),
        (&open, Then::Keep, at_once),
        (&long, Then::Release, Duration::MAX),
    ] {
        let save = Commit {
            put: cells([("state", "x")]),
            then,
            keep_for,
            ..commit(room, claim(&store, room).await.term, 1)
        };
        store.commit(save).await.unwrap();
    }
    assert_eq!(store.left().await.unwrap(), std::slice::from_ref(&long));
    assert!(saved(&store, &short).await.is_none(), "its time is over");
    assert!(saved(&store, &open).await.is_some(), "it is in use");
    drop(store);
    let store = FileStore::open(&path).unwrap();
    assert_eq!(store.left().await.unwrap(), [long]);
    drop(store);
    let cells = raw(&path, CELLS);
    assert_eq!(cells, ["long"], "the others' cells are still in the file");
}

const CELLS: TableDefinition<(&str, &str, &str), &[u8]> = TableDefinition::new("cells");

/// The rooms that have something in a table.
fn raw(path: &Path, table: TableDefinition<(&str, &str, &str), &[u8]>) -> Vec<String> {
    use redb::{ReadableDatabase, ReadableTable};
    let database = redb::Database::open(path).unwrap();
    let table = database.begin_read().unwrap().open_table(table).unwrap();
    let cells = table
        .iter()
        .unwrap()
        .map(|cell| cell.unwrap().0.value().1.to_owned());
    cells.collect()
}

#[tokio::test]
async fn a_room_that_is_open_is_kept_though_nothing_is_saved_of_it() {
    let folder = folder();
    let path = folder.path().join("rooms");
    let room = key("chess", "a");
    let store = FileStore::open(&path).unwrap();
    let save = Commit {
        keep_for: Duration::from_secs(2),
        ..commit(&room, claim(&store, &room).await.term, 1)
    };
    store.commit(save).await.unwrap();
    let until = |name: &str| {
        // As if the server had been killed now.
        let copy = folder.path().join(name);
        fs::copy(&path, &copy).unwrap();
        let file = || FileBackend::new(fs::File::options().read(true).write(true).open(&copy)?);
        let tables = Tables::open(file).unwrap();
        tables.begin().unwrap().row(&room).unwrap().unwrap().until
    };
    let first = until("first");
    let deadline = Instant::now() + DEADLINE;
    let mut copies = 0;
    loop {
        copies += 1;
        let now = until(&copies.to_string());
        if now.since(first) >= Duration::from_secs(2) {
            break;
        }
        assert!(Instant::now() < deadline, "it is not kept for longer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn many_rooms_share_a_sync() {
    let folder = folder();
    let disk = Disk::default();
    let store = disk.store(&folder.path().join("rooms"));
    let rooms: Vec<_> = (0..500)
        .map(|number| key("chess", &number.to_string()))
        .collect();
    let claims = join_all(rooms.iter().map(|room| claim(&store, room))).await;
    let before = disk.syncs();
    let alone = Commit {
        put: cells([("state", "x")]),
        ..commit(&rooms[0], claims[0].term, 1)
    };
    store.commit(alone).await.unwrap();
    let one = disk.syncs() - before;
    assert!(one > 0, "it is not on the disk");
    let before = disk.syncs();
    let held = disk.hold();
    let mut all = join_all(rooms.iter().zip(&claims).skip(1).map(|(room, claim)| {
        store.commit(Commit {
            put: cells([("state", "x")]),
            ..commit(room, claim.term, 1)
        })
    }));
    assert!(
        (&mut all).now_or_never().is_none(),
        "told before it is on the disk"
    );
    drop(held);
    assert_eq!(all.await, vec![Ok(()); 499]);
    // The first may have gone alone, and a file that grows may need one more.
    let syncs = disk.syncs() - before;
    assert!(syncs <= 5 * one, "{syncs} for 499 rooms, {one} for one");
    let claims_alone = disk.syncs();
    join_all(rooms.iter().map(|room| claim(&store, room))).await;
    assert_eq!(disk.syncs(), claims_alone, "a claim writes nothing");
}

#[tokio::test]
async fn while_the_disk_fails_the_store_is_unavailable_and_then_goes_on_by_itself() {
    let folder = folder();
    let disk = Disk::default();
    let path = folder.path().join("rooms");
    let store = disk.store(&path);
    let room = key("chess", "a");
    let term = claim(&store, &room).await.term;
    let save = |number| {
        store.commit(Commit {
            put: cells([("state", "x")]),
            ..commit(&room, term, number)
        })
    };
    save(1).await.unwrap();
    disk.breaks.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let failed = save(2).await;
        assert!(
            matches!(failed, Err(StoreError::Unavailable(_))),
            "{failed:?}"
        );
    }
    disk.breaks.store(false, Ordering::SeqCst);
    let deadline = Instant::now() + DEADLINE;
    while let Err(error) = save(2).await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(Instant::now() < deadline, "it does not recover: {error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    save(3).await.unwrap();
    drop(store);
    let store = FileStore::open(&path).unwrap();
    assert_eq!(saved(&store, &room).await.unwrap().1, 3);
}

#[tokio::test]
async fn after_a_failure_a_file_that_somebody_else_has_written_is_not_overwritten() {
    let folder = folder();
    let disk = Disk::default();
    let path = folder.path().join("rooms");
    let store = disk.store(&path);
    let room = key("chess", "a");
    let term = claim(&store, &room).await.term;
    store.commit(commit(&room, term, 1)).await.unwrap();
    disk.breaks.store(true, Ordering::SeqCst);
    store.commit(commit(&room, term, 2)).await.unwrap_err();
    // Nobody has the file now.
    let other = FileStore::open(&path).unwrap();
    let their_term = claim(&other, &room).await.term;
    other.commit(commit(&room, their_term, 2)).await.unwrap();
    drop(other);
    disk.breaks.store(false, Ordering::SeqCst);
    let deadline = Instant::now() + DEADLINE;
    loop {
        match store.commit(commit(&room, term, 3)).await {
            Err(StoreError::Lost) => break,
            Err(StoreError::Unavailable(_)) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => panic!("{other:?}"),
        }
    }
    let again = claim(&store, &room).await;
    assert!(again.term > their_term);
    assert_eq!(again.saved.unwrap().number, 2);
}

#[tokio::test]
async fn what_was_asked_for_is_done_before_the_store_is_gone() {
    let folder = folder();
    let disk = Disk::default();
    let path = folder.path().join("rooms");
    let store = disk.store(&path);
    let rooms: Vec<_> = (0..50)
        .map(|number| key("chess", &number.to_string()))
        .collect();
    let claims = join_all(rooms.iter().map(|room| claim(&store, room))).await;
    let held = disk.hold();
    let asked = rooms.iter().zip(&claims).map(|(room, claim)| {
        store.commit(Commit {
            put: cells([("state", "x")]),
            ..commit(room, claim.term, 1)
        })
    });
    // Whoever asked has gone.
    assert!(join_all(asked).now_or_never().is_none());
    drop(held);
    drop(store);
    let store = FileStore::open(&path).unwrap();
    assert_eq!(store.left().await.unwrap().len(), 50);
}

#[test]
fn a_file_has_one_store_at_a_time() {
    let folder = folder();
    let path = folder.path().join("rooms");
    let store = FileStore::open(&path).unwrap();
    let second = FileStore::open(&path).unwrap_err();
    assert_eq!(second.kind(), FileStoreErrorKind::InUse);
    let words = second.to_string();
    assert!(
        words.contains("rooms") && words.contains("in use"),
        "{words}"
    );
    drop(store);
    FileStore::open(&path).unwrap();
}

/// Opens what is no store: an error of this kind, and the file as it was.
fn refused(path: &Path) -> FileStoreErrorKind {
    let before = fs::read(path).unwrap();
    let error = FileStore::open(path).unwrap_err();
    assert!(fs::read(path).unwrap() == before, "it was touched: {error}");
    error.kind()
}

#[tokio::test]
async fn a_file_that_is_no_store_is_an_error_and_left_as_it_is() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let garbage: Vec<u8> = (0..20_000_u32).map(|byte| (byte * 7 % 251) as u8).collect();
    for length in [1, 64, 4096, 20_000] {
        fs::write(at("garbage"), &garbage[..length]).unwrap();
        assert_eq!(refused(&at("garbage")), FileStoreErrorKind::NotAStore);
    }
    let missing = FileStore::open(at("no/such/folder")).unwrap_err();
    assert_eq!(missing.kind(), FileStoreErrorKind::Io);
    let in_a_folder = FileStore::open(folder.path()).unwrap_err();
    assert_eq!(in_a_folder.kind(), FileStoreErrorKind::Io);
    fs::write(at("empty"), "").unwrap();
    FileStore::open(at("empty")).unwrap();

    const FOREIGN: TableDefinition<&str, u64> = TableDefinition::new("accounts");
    const OURS: TableDefinition<&str, u64> = TableDefinition::new("tapaculo");
    let write = |name, table, key, value: u64| {
        let database = redb::Database::create(at(name)).unwrap();
        let writing = database.begin_write().unwrap();
        writing
            .open_table(table)
            .unwrap()
            .insert(key, value)
            .unwrap();
        writing.commit().unwrap();
    };
    let value = |name, table, key| {
        use redb::ReadableDatabase;
        let database = redb::Database::open(at(name)).unwrap();
        let table = database.begin_read().unwrap().open_table(table).unwrap();
        table.get(key).unwrap().unwrap().value()
    };
    write("foreign", FOREIGN, "alice", 5);
    let error = FileStore::open(at("foreign")).unwrap_err();
    assert_eq!(error.kind(), FileStoreErrorKind::NotAStore);
    assert_eq!(value("foreign", FOREIGN, "alice"), 5);
    drop(FileStore::open(at("newer")).unwrap());
    write("newer", OURS, "version", 2);
    let opened = value("newer", OURS, "opened");
    let error = FileStore::open(at("newer")).unwrap_err();
    assert_eq!(error.kind(), FileStoreErrorKind::Version);
    assert_eq!(value("newer", OURS, "opened"), opened);
}

#[tokio::test]
async fn a_file_that_was_damaged_is_an_error_and_never_a_panic() {
    let folder = folder();
    let whole = folder.path().join("whole");
    let store = FileStore::open(&whole).unwrap();
    for number in 0..20 {
        let room = key("chess", &number.to_string());
        let save = Commit {
            put: vec![("state".to_owned(), vec![number; 3000])],
            ..commit(&room, claim(&store, &room).await.term, 1)
        };
        store.commit(save).await.unwrap();
    }
    drop(store);
    let bytes = fs::read(&whole).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let path = folder.path().join("damaged");
    let mut damaged = 0;
    for at in (0..used).step_by(2048) {
        let mut bytes = bytes.clone();
        for byte in &mut bytes[at..used.min(at + 1024)] {
            *byte ^= 0x5a;
        }
        fs::write(&path, &bytes).unwrap();
        match FileStore::open(&path) {
            Err(error) => {
                damaged += 1;
                // Without its first bytes it is any file.
                let kind = match at {
                    0 => FileStoreErrorKind::NotAStore,
                    _ => FileStoreErrorKind::Damaged,
                };
                assert_eq!(error.kind(), kind, "at {at}");
                assert!(
                    fs::read(&path).unwrap() == bytes,
                    "it was touched, at {at}: {error}"
                );
            }
            // It was a page that nothing is in.
            Ok(store) => {
                for number in 0..20 {
                    let (cells, _) = saved(&store, &key("chess", &number.to_string()))
                        .await
                        .unwrap();
                    assert_eq!(cells["state"], vec![number; 3000], "damaged at {at}");
                }
            }
        }
    }
    assert!(damaged > 20, "most pages have something in them: {damaged}");
    for length in [bytes.len() / 2, 4096, 100] {
        fs::write(&path, &bytes[..length]).unwrap();
        refused(&path);
    }
}

/// How many commits back a room of [`writes_until_it_is_killed`] keeps what it was told.
const KEPT: u64 = 3;
const ROOMS: usize = 8;

/// What the child says of a commit that was answered.
const ANSWERED: &str = "answered";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the test below kills"]
async fn writes_until_it_is_killed() {
    let path = std::env::var("TAPACULO_STORE_TO_WRITE").expect("the path is in the environment");
    let store = FileStore::open(path).unwrap();
    let write = |index: usize| {
        let store = &store;
        async move {
            let room = key("chess", &index.to_string());
            let Claim { term, saved } = claim(store, &room).await;
            let mut number = saved.map_or(0, |saved| saved.number);
            loop {
                number += 1;
                let value = number.to_string();
                let told = format!("told/{number}");
                let save = Commit {
                    put: cells([("state", &value), (&told, &value)]),
                    delete: vec![format!("told/{}", number.wrapping_sub(KEPT))],
                    ..commit(&room, term, number)
                };
                store.commit(save).await.unwrap();
                let line = format!("{ANSWERED} {index} {number}\n");
                io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        }
    };
    join_all((0..ROOMS).map(write)).await;
}

#[tokio::test]
async fn what_was_answered_is_in_the_file_of_a_process_that_is_killed() {
    let folder = folder();
    let path = folder.path().join("rooms");
    let mut answered = [0_u64; ROOMS];
    for round in 0..20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::file::tests::writes_until_it_is_killed"])
            .args(["--ignored", "--nocapture"])
            .env("TAPACULO_STORE_TO_WRITE", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        // `false` after the last whole line: the one after it may be half of one.
        let mut note = |count: &mut usize| {
            let mut line = String::new();
            output.read_line(&mut line).unwrap();
            let Some(line) = line.strip_suffix('\n') else {
                return false;
            };
            let words: Vec<_> = line.split(' ').collect();
            if let [ANSWERED, room, number] = words[..] {
                let (room, number): (usize, u64) = (room.parse().unwrap(), number.parse().unwrap());
                assert_eq!(number, answered[room] + 1, "{line}");
                answered[room] = number;
                *count += 1;
            }
            true
        };
        // Somewhere in the middle, each time elsewhere.
        let mut count = 0;
        while count < 40 + 7 * round {
            assert!(note(&mut count), "it ended by itself");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        while note(&mut count) {}
        let store = FileStore::open(&path).unwrap();
        for (index, answered) in answered.iter_mut().enumerate() {
            let (cells, number) = saved(&store, &key("chess", &index.to_string()))
                .await
                .unwrap();
            // One more may have been saved and not been answered any more.
            let possible = *answered..=*answered + 1;
            assert!(possible.contains(&number), "{number} after {answered}");
            *answered = number;
            let told = (1..=number).rev().take(KEPT as usize);
            let mut expected: Cells = told
                .map(|number| (format!("told/{number}"), number.to_string().into_bytes()))
                .collect();
            expected.insert("state".to_owned(), number.to_string().into_bytes());
            assert_eq!(cells, expected, "half of a commit");
        }
    }
    assert!(answered.iter().all(|number| *number > 20), "{answered:?}");
}
