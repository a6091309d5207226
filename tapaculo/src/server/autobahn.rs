//! The cases of the Autobahn test suite, run against a whole server.
//!
//! They want back what they send, so they speak to a [session that does that](crate::session::echo).
//! What is theirs to judge is thus the request and its answer, the frames, their parts and limits,
//! pings, text that is none, and how a connection ends; what the protocol makes of a message is
//! not.

use super::Server;
use crate::{auth::JwtAuth, limits::MessageLimits, session::echo};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tokio::{net::TcpListener, task::spawn_blocking};

/// Where the tool is that runs the cases: `./tests/run` installs it and says so.
const TOOL: &str = "TAPACULO_KOSOKU";

/// The cases about what is served: all but 12 and 13, which are about compression.
const CASES: [&str; 9] = [
    "1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*",
];

/// How many those are.
const HOW_MANY: usize = 301;

/// Text that is none, in the middle of a frame that is still on its way: it may be noticed when the
/// frame is whole.
const MAY_BE_LATE: [&str; 2] = ["6.4.3", "6.4.4"];

/// What nobody may expect anything of: closing with codes that nobody has registered, and data
/// that follows a close frame.
const OPEN: [&str; 3] = ["7.1.6", "7.13.1", "7.13.2"];

/// The largest message of a case is 16 MiB.
const MESSAGE_BYTES: usize = 16 << 20;

/// A room in which nothing is said.
#[tapaculo::game]
#[derive(Default)]
struct Quiet;

#[tapaculo::game]
impl Quiet {}

/// What the tool found of a case, in the words of the test suite.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    behavior: String,
    behavior_close: String,
}

impl Found {
    fn is(&self, messages: &str, close: &str) -> bool {
        self.behavior == messages && self.behavior_close == close
    }

    fn is_as_it_should_be(&self, case: &str) -> bool {
        self.is("OK", "OK")
            || MAY_BE_LATE.contains(&case) && self.is("NON-STRICT", "OK")
            || OPEN.contains(&case) && self.is("INFORMATIONAL", "INFORMATIONAL")
    }
}

/// Runs the tool and reads what it found, case by case.
fn run(tool: &str, url: &str, reports: &Path) -> BTreeMap<String, Found> {
    let mut command = Command::new(tool);
    for case in CASES {
        command.args(["--include", case]);
    }
    let output = command.arg("--outdir").arg(reports).arg(url).output();
    let output = output.unwrap_or_else(|error| panic!("{tool} does not run: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    let index = fs::read(reports.join("index.json"));
    let index = index.unwrap_or_else(|error| panic!("no report ({error}): {words}"));
    let by_server: BTreeMap<String, _> = serde_json::from_slice(&index).unwrap();
    by_server.into_values().next().unwrap()
}

/// Where the tool writes its reports; they are kept if anything fails.
fn reports() -> PathBuf {
    std::env::temp_dir().join(format!("tapaculo-autobahn-{}", std::process::id()))
}

#[ignore = "needs a tool that `./tests/run` installs"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_autobahn_case_set_has_no_failure() {
    let tool = std::env::var(TOOL);
    let tool = tool.unwrap_or_else(|_| panic!("run ./tests/run, or say in {TOOL} where kosoku is"));
    let auth = JwtAuth::new("a secret that is known to the tests only");
    let token = auth.sign_access(echo::USER, "r", "s", 600).unwrap();
    let limits = MessageLimits {
        max_size_bytes: MESSAGE_BYTES,
        max_messages_per_window: u32::MAX,
        ..MessageLimits::default()
    };
    let server = Server::new().with_auth(auth).with_game::<Quiet>();
    let server = server.with_limits(limits);
    let handle = server.handle();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws?token={token}", listener.local_addr().unwrap());
    let serving = tokio::spawn(server.serve(listener));
    let running = spawn_blocking(move || run(&tool, &url, &reports()));
    let found = running.await.unwrap();
    handle.shutdown().await;
    serving.await.unwrap().unwrap();

    let failed = found
        .iter()
        .filter(|(case, found)| !found.is_as_it_should_be(case));
    let failed: Vec<_> = failed.collect();
    println!(
        "autobahn: {} cases, {} failed, {} where more may be done, {} without a right answer",
        found.len(),
        failed.len(),
        found
            .values()
            .filter(|found| found.is("NON-STRICT", "OK"))
            .count(),
        found
            .values()
            .filter(|found| found.is("INFORMATIONAL", "INFORMATIONAL"))
            .count(),
    );
    assert!(failed.is_empty(), "{failed:?}; see {}", reports().display());
    assert_eq!(found.len(), HOW_MANY);
    fs::remove_dir_all(reports()).unwrap();
}
