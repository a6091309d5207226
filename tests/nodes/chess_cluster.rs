//! Chess on three nodes, of which any may be taken away: two tabs that play, a third with the buttons.

use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, time::Duration};
use tapaculo_tests::{DEADLINE, browser::Browser, http, process::Process, redis::Redis};
use tokio::time::{sleep, timeout};

/// Long enough for a node that is slow for a moment, since other tests run.
const LEASE: (&str, &str) = ("LEASE_MS", "2000");

/// The node that keeps the table, if one does.
const KEEPER: &str = "document.querySelector('.node:has(.table:not(.orphan))')?.dataset.node";

const MOVES: &str =
    "[...document.querySelectorAll('#moves li span:not(.number)')].map(half => half.textContent)";

/// The example, and a browser with two at a table and one before the nodes.
struct Cluster {
    server: Process,
    browser: Browser,
    /// White and Black.
    players: [WindowHandle; 2],
    nodes: WindowHandle,
    /// The moves so far, as the pages write them.
    moves: Vec<String>,
}

impl Cluster {
    async fn start() -> Self {
        let server = Process::start_with("chess_cluster", &[LEASE]).await;
        let browser = Browser::start().await;
        let url = format!("http://localhost:{}", server.address.port());
        let white = browser.tab().await;
        let table = format!("{url}/?room=park");
        sit_down(&browser, &table, "Ann").await;
        let black = browser.new_tab().await;
        sit_down(&browser, &table, "Ben").await;
        browser.reads("#status", "Ann to move").await;
        let nodes = browser.new_tab().await;
        browser.visit(&format!("{url}/nodes")).await;
        let players = [white, black];
        Self {
            server,
            browser,
            players,
            nodes,
            moves: Vec::new(),
        }
    }

    /// The next two moves, each in the tab of whoever is to make it; then both have seen all.
    async fn play(&mut self, moves: [(&str, &str); 2]) {
        for (player, (squares, written)) in self.players.iter().zip(moves) {
            self.browser.turn_to(player).await;
            self.browser.reads("#status", "Your move").await;
            let (from, to) = squares.split_at(2);
            self.browser.click(&format!("[data-square={from}]")).await;
            let target = format!("[data-square={to}].target");
            self.browser.click(&target).await;
            self.moves.push(written.to_owned());
        }
        let all = json!(self.moves).to_string();
        for player in &self.players {
            self.browser.turn_to(player).await;
            let seen = format!("JSON.stringify({MOVES}) === '{all}'");
            self.browser.until(&seen).await;
        }
    }

    /// Who keeps the table, once somebody other than this one does.
    async fn keeper(&self, but: &str) -> String {
        self.browser.turn_to(&self.nodes).await;
        let keeper = format!("({KEEPER} ?? '{but}') !== '{but}' && {KEEPER}");
        let keeper = self.browser.until(&keeper).await;
        keeper.as_str().expect("a letter").to_owned()
    }

    async fn press(&self, node: &str, act: &str) {
        self.browser.turn_to(&self.nodes).await;
        let button = format!("[data-node={node}] [data-act={act}]");
        self.browser.click(&button).await;
    }

    async fn is(&self, node: &str, state: &str) {
        self.browser.turn_to(&self.nodes).await;
        let card = format!(".node[data-node={node}][data-state={state}]");
        self.browser.find(&card).await;
    }

    /// Both players' pages say who keeps their table.
    async fn all_know(&self, keeper: &str) {
        for player in &self.players {
            self.browser.turn_to(player).await;
            let known =
                format!("document.querySelector('#where').dataset.at.endsWith('>{keeper}')");
            self.browser.until(&known).await;
        }
    }

    async fn clear(self) {
        self.browser.close().await;
        assert!(self.server.stop().await, "it ends well");
    }
}

async fn sit_down(browser: &Browser, url: &str, name: &str) {
    browser.visit(url).await;
    browser.enter_as(name).await;
    browser.find("#connection[data-status=connected]").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_play_on_when_the_node_that_keeps_their_table_is_killed_and_when_it_is_shut_down() {
    let mut cluster = Cluster::start().await;
    cluster.play([("e2e4", "e4"), ("e7e5", "e5")]).await;
    let first = cluster.keeper("").await;
    cluster.all_know(&first).await;

    cluster.press(&first, "crash").await;
    cluster.is(&first, "crashed").await;
    cluster.play([("g1f3", "Nf3"), ("b8c6", "Nc6")]).await;
    let second = cluster.keeper(&first).await;
    let words = format!("Node {second} goes on with the table park");
    cluster.browser.reads("#log", &words).await;
    cluster.all_know(&second).await;

    cluster.press(&second, "shut_down").await;
    cluster.is(&second, "stopped").await;
    cluster.play([("f1b5", "Bb5"), ("a7a6", "a6")]).await;
    let third = cluster.keeper(&second).await;
    assert_ne!(third, first, "it does not run");
    cluster.all_know(&third).await;

    // Of the three, the first is then the only one: it takes up what there is.
    cluster.press(&first, "start").await;
    cluster.is(&first, "running").await;
    cluster.press(&third, "crash").await;
    cluster.is(&third, "crashed").await;
    cluster.play([("b5a4", "Ba4"), ("g8f6", "Nf6")]).await;
    assert_eq!(cluster.keeper("").await, first);
    cluster.clear().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_game_outlives_all_nodes_and_the_page_with_the_buttons_as_well() {
    let mut cluster = Cluster::start().await;
    cluster.play([("d2d4", "d4"), ("d7d5", "d5")]).await;
    for node in ["A", "B", "C"] {
        cluster.press(node, "crash").await;
    }
    for node in ["A", "B", "C"] {
        cluster.is(node, "crashed").await;
    }
    cluster
        .browser
        .reads(".table.orphan", "waits for another node")
        .await;
    let address = cluster.server.address;
    let guest = r#"{"name": "Cleo", "room": "park"}"#;
    assert_eq!(http::post(address, "/token", guest).await.status, 503);
    // Loaded anew, it comes from no node.
    cluster.browser.run("location.reload()", &[]).await;
    cluster.press("B", "start").await;
    cluster.is("B", "running").await;
    cluster.play([("c2c4", "c4"), ("d5c4", "dxc4")]).await;
    assert_eq!(cluster.keeper("").await, "B");
    cluster.clear().await;
}

#[tokio::test]
async fn its_end_leaves_no_process_and_no_folder_behind_not_even_if_it_is_killed() {
    for is_killed in [false, true] {
        let server = Process::start_with("chess_cluster", &[LEASE]).await;
        let all = descendants(server.id());
        assert_eq!(
            all.len(),
            5,
            "three nodes, Redis and who watches over it: {all:?}"
        );
        let redis = all.iter().find(|(_, name)| *name == "redis-server");
        let (redis, _) = redis.expect("a Redis");
        let folder = fs::read_link(format!("/proc/{redis}/cwd")).expect("it runs");
        assert!(folder.starts_with(std::env::temp_dir()), "{folder:?}");
        if is_killed {
            server.kill().await;
        } else {
            assert!(server.stop().await, "it ends well");
        }
        let gone = async {
            while folder.exists() || all.keys().any(|id| process(*id).is_some()) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let gone = timeout(DEADLINE, gone).await;
        let left: Vec<_> = all
            .iter()
            .filter(|(id, _)| process(**id).is_some())
            .collect();
        assert!(gone.is_ok(), "{left:?} are left, or {folder:?}");
    }
}

#[tokio::test]
async fn it_uses_the_redis_that_it_is_told_of() {
    let redis = Redis::start().await;
    let url = redis.url();
    let server = Process::start_with("chess_cluster", &[LEASE, ("REDIS_URL", &url)]).await;
    let known = http::get(server.address, "/nodes.json").await.json();
    assert_eq!(known["redis"], redis.address.to_string());
    assert_eq!(descendants(server.id()).len(), 3);
    assert!(server.stop().await, "it ends well");
    redis
        .ask(&["PING"])
        .await
        .expect("it is not the example's to end");
}

#[tokio::test]
async fn without_a_redis_it_says_what_to_install() {
    let said = Process::fail("chess_cluster", &[("PATH", "/nowhere")]).await;
    assert!(said.contains("sudo apt install redis-server"), "{said}");
    assert!(said.contains("REDIS_URL=redis://"), "{said}");
}

#[tokio::test]
async fn with_a_redis_that_is_not_there_it_says_so_and_ends() {
    let nowhere = [("REDIS_URL", "redis://127.0.0.1:1"), ("PORT", "0")];
    let said = Process::fail("chess_cluster", &nowhere).await;
    assert!(said.contains("no node has come up"), "{said}");
    assert!(said.contains("the store is not available"), "{said}");
}

#[tokio::test]
async fn no_other_page_gives_orders() {
    let server = Process::start_with("chess_cluster", &[LEASE]).await;
    for page in ["/", "/nodes"] {
        let page = http::get(server.address, page).await;
        let policy = page.header("content-security-policy");
        assert_eq!(policy, Some("frame-ancestors 'none'"));
    }
    let order = |kind: &str| {
        let order = r#"{"node":"A","act":"crash"}"#;
        let length = order.len();
        format!(
            "POST /nodes.json HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{order}"
        )
    };
    // What a form of another page can send, and what a script can that asks nobody first.
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let refused = http::ask(server.address, order(kind)).await;
        assert_eq!(refused.status, 415, "{kind}");
    }
    let known = http::get(server.address, "/nodes.json").await.json();
    assert_eq!(known["nodes"]["A"]["state"], "running");
    // What the page itself sends. Whoever answers may be the node that is gone by it.
    let given = order("application/json");
    http::raw(server.address, given.as_bytes()).await;
    let crashed = async {
        let known = b"GET /nodes.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        loop {
            let answer = http::raw(server.address, known).await;
            let cluster = answer.and_then(|answer| serde_json::from_str(&answer.body).ok());
            if cluster.is_some_and(|cluster: Value| cluster["nodes"]["A"]["state"] == "crashed") {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(DEADLINE, crashed).await.expect("it is done");
    assert!(server.stop().await, "it ends well");
}

/// The processes that this one has started, and those that they have: their names, by their numbers.
fn descendants(ancestor: u32) -> BTreeMap<u32, String> {
    let entries = fs::read_dir("/proc").expect("the processes there are");
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let all: Vec<(u32, (u32, String))> =
        numbers.filter_map(|id| Some((id, process(id)?))).collect();
    let mut found = BTreeMap::new();
    let mut parents = vec![ancestor];
    while let Some(of) = parents.pop() {
        for (id, (parent, name)) in &all {
            if *parent == of {
                found.insert(*id, name.clone());
                parents.push(*id);
            }
        }
    }
    found
}

/// A process's parent and its name; `None` if it has ended, whether or not anybody has taken note.
fn process(id: u32) -> Option<(u32, String)> {
    // 17 (name) S 1 …
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (before, after) = stat.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let mut fields = after.split_whitespace();
    let has_ended = fields.next()? == "Z";
    let parent = fields.next()?.parse().ok()?;
    (!has_ended).then_some((parent, name))
}
