//! A `redis-server` of a test's own.

use super::DEADLINE;
use redis::{Connection, FromRedisValue};
use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// One that ends, with its files, when it is dropped.
pub(super) struct RedisServer {
    port: u16,
    directory: PathBuf,
    arguments: Vec<String>,
    process: Option<Child>,
    /// What a URL and a connection of the test itself log in with.
    pub(super) login: String,
}

impl RedisServer {
    /// One that writes everything down before it answers.
    pub(super) fn start() -> Self {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    pub(super) fn start_with(arguments: &[&str]) -> Self {
        let directory = directory();
        // Another process may be faster with a port that was free.
        for _ in 0..10 {
            let mut server = Self {
                port: free_port(),
                directory: directory.clone(),
                arguments: arguments.iter().map(|&text| text.into()).collect(),
                process: None,
                login: String::new(),
            };
            if server.run() {
                return server;
            }
            // Its files are the next one's.
            server.directory = PathBuf::new();
        }
        panic!("redis-server does not start with {arguments:?}");
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn url(&self) -> String {
        format!("redis://{}127.0.0.1:{}", self.login, self.port)
    }

    /// Ends it as a power cut would.
    pub(super) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(super) fn run_again(&mut self) {
        self.kill();
        let again = Instant::now() + DEADLINE;
        while !self.run() {
            assert!(Instant::now() < again, "redis-server does not start again");
        }
    }

    fn run(&mut self) -> bool {
        let mut process = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--dir"])
            .arg(&self.directory)
            .args(&self.arguments)
            .stdout(Stdio::null())
            .spawn()
            .expect("`redis-server` can't be run: install it (Debian: redis-server)");
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if process.try_wait().unwrap().is_some() {
                return false;
            }
            if self.is_up() {
                self.process = Some(process);
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        panic!("redis-server does not answer");
    }

    fn is_up(&self) -> bool {
        let Ok(client) = redis::Client::open(self.url()) else {
            return false;
        };
        client
            .get_connection()
            .is_ok_and(|mut connection| redis::cmd("PING").query::<String>(&mut connection).is_ok())
    }

    /// Asks it something, as nobody of the cluster would.
    pub(super) fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut self.connection()).unwrap()
    }

    pub(super) fn connection(&self) -> Connection {
        redis::Client::open(self.url())
            .unwrap()
            .get_connection()
            .unwrap()
    }

    /// How often each command was called, within scripts too.
    pub(super) fn calls(&self) -> BTreeMap<String, u64> {
        let text: String = self.ask(&["INFO", "commandstats"]);
        text.lines()
            .filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="))
            .map(|(command, rest)| {
                let calls = rest.split(',').next().unwrap().parse().unwrap();
                (command.to_owned(), calls)
            })
            .collect()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
        if !self.directory.as_os_str().is_empty() {
            drop(fs::remove_dir_all(&self.directory));
        }
    }
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn directory() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("tapaculo-redis-{}-{count}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir_all(&directory).unwrap();
    directory
}
