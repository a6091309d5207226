//! A server in a process of its own that a test may kill, stop and start again.

use crate::{DEADLINE, folder::Folder, http};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdin},
    time::{sleep, timeout},
};

/// How often is looked whether it has come up.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Where a failed test leaves its nodes' logs, if it is to do that.
const KEEP: &str = "TAPACULO_TEST_LOGS";

/// How many lines of a node's log are shown where a test fails.
const LINES: usize = 40;

/// Where a node keeps its rooms.
#[derive(Clone, Debug)]
pub enum Keeps {
    /// In its memory.
    Memory,
    /// In a file.
    File(PathBuf),
    /// In a Redis, as one node of many, with a lease.
    Redis(String, Duration),
}

/// A signal that does not kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It does nothing until it is told to continue.
    Stop,
    /// It goes on.
    Continue,
    /// It is asked to end.
    Terminate,
}

/// How nodes are started.
#[derive(Clone, Debug)]
pub struct Nodes {
    program: &'static str,
    logs: Arc<Folder>,
}

/// A running node; it is killed when this is dropped, and it ends by itself when the test does.
#[derive(Debug)]
pub struct Node {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    log: PathBuf,
    // It ends when this does.
    _stdin: ChildStdin,
    _logs: Arc<Folder>,
}

impl Nodes {
    /// Of this program, the tests' own `cluster_node`.
    #[must_use]
    pub fn new(program: &'static str) -> Self {
        let logs = Arc::new(Folder::new("nodes"));
        Self { program, logs }
    }

    /// Starts one on a free port, and waits until it takes connections.
    ///
    /// # Panics
    /// If it does not come up.
    pub async fn start(&self, keeps: &Keeps) -> Node {
        let mut command = tokio::process::Command::new(self.program);
        match keeps {
            Keeps::Memory => command.arg("memory"),
            Keeps::File(path) => command.arg("file").arg(path),
            Keeps::Redis(url, lease) => {
                command.args(["redis", url, &lease.as_millis().to_string()])
            }
        };
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let log = self
            .logs
            .path()
            .join(format!("{}.log", rand::random::<u64>()));
        let file = std::fs::File::create(&log).expect("a file for its log");
        let mut child = command.stderr(file).spawn().expect("it starts");
        let stdin = child.stdin.take().expect("piped");
        let stdout = child.stdout.take().expect("piped");
        let mut line = String::new();
        let reading = async { BufReader::new(stdout).read_line(&mut line).await };
        let read = timeout(DEADLINE, reading).await;
        let address = line.trim().parse();
        let (Ok(Ok(_)), Ok(address)) = (read, address) else {
            show(&log);
            panic!("it says where it listens: {line:?}");
        };
        let mut node = Node {
            address,
            child,
            log,
            _stdin: stdin,
            _logs: Arc::clone(&self.logs),
        };
        let ready = timeout(DEADLINE, node.is_ready()).await;
        assert!(ready == Ok(true), "it comes up in time");
        node
    }
}

impl Node {
    /// Waits until it takes connections; `false` if it has ended instead.
    async fn is_ready(&mut self) -> bool {
        loop {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return false;
            }
            if http::get(self.address, "/readyz").await.status == 200 {
                return true;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Its process's number.
    ///
    /// # Panics
    /// If it has ended.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// What it is called among the nodes of its cluster in its present life: it logs that.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let log = std::fs::read_to_string(&self.log).ok()?;
        let is_named = |line: &&str| {
            line.contains("one node of a cluster") || line.contains("has a lease again")
        };
        let line = log.lines().rev().find(is_named)?;
        let (_, name) = line.rsplit_once("node=")?;
        Some(name.trim().to_owned())
    }

    /// Kills it; it has no say in that.
    ///
    /// # Panics
    /// If it has ended before.
    pub async fn kill(mut self) {
        assert!(
            self.child.try_wait().is_ok_and(|ended| ended.is_none()),
            "it runs"
        );
        self.child.kill().await.expect("it is killed");
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it has ended.
    pub fn signal(&self, signal: Signal) {
        let name = match signal {
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
            Signal::Terminate => "TERM",
        };
        // The shell's own `kill`: the program is not on every machine.
        let kill = format!("kill -{name} {}", self.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.expect("a shell runs").success(), "it runs");
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn ended(mut self) -> ExitStatus {
        let ended = timeout(2 * DEADLINE, self.child.wait()).await;
        ended.expect("it ends in time").expect("it ran")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if std::thread::panicking() {
            show(&self.log);
        }
    }
}

/// Shows the end of a log, or keeps all of it where the environment says so.
fn show(log: &Path) {
    if let (Some(folder), Some(name)) = (std::env::var_os(KEEP), log.file_name()) {
        let copied = std::fs::copy(log, Path::new(&folder).join(name));
        eprintln!("a node's log is kept as {}: {copied:?}", name.display());
        return;
    }
    let written = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = written.lines().collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    eprintln!("the end of a node's log:\n{}", last.join("\n"));
}
