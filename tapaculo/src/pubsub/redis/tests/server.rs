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
}

impl RedisServer {
    /// One that writes everything down before it answers.
    pub(super) fn start() -> Self {
        Self::start_with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    pub(super) fn start_with(arguments: &[&str]) -> Self {
        Self::starting(|| {
            let mut all = strings(&["--save", ""]);
            all.extend(strings(arguments));
            all
        })
    }

    /// One that is ready for others in a cluster.
    pub(super) fn start_in_cluster() -> Self {
        Self::starting(|| {
            // Its own choice, 10,000 above the port, may be none.
            let bus = free_port().to_string();
            strings(&["--cluster-port", &bus, "--cluster-enabled", "yes"])
        })
    }

    /// One that watches others, with this configuration, which it writes to.
    pub(super) fn start_sentinel(config: &str) -> Self {
        let file = directory().join("sentinel.conf");
        fs::write(&file, config).unwrap();
        let server = Self::starting(|| strings(&[file.to_str().unwrap(), "--sentinel"]));
        fs::remove_dir_all(file.parent().unwrap()).unwrap();
        server
    }

    fn starting(mut arguments: impl FnMut() -> Vec<String>) -> Self {
        // Another process may be faster with a port that was free.
        for _ in 0..10 {
            let mut server = Self {
                port: free_port(),
                directory: directory(),
                arguments: arguments(),
                process: None,
            };
            if server.run() {
                return server;
            }
        }
        panic!("redis-server does not start with {:?}", arguments());
    }

    /// Where it speaks to its cluster.
    pub(super) fn bus_port(&self) -> u16 {
        self.arguments[1].parse().unwrap()
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
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
            .args(&self.arguments)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .arg("--dir")
            .arg(&self.directory)
            .stdout(Stdio::null())
            .spawn()
            .expect("`redis-server` can't be run: install it (Debian: redis-server)");
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if process.try_wait().unwrap().is_some() {
                return false;
            }
            if self.is_up_as(process.id()) {
                self.process = Some(process);
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        panic!("redis-server does not answer");
    }

    /// Whether it answers, and not another that was faster with the port.
    fn is_up_as(&self, process: u32) -> bool {
        let Ok(client) = redis::Client::open(self.url()) else {
            return false;
        };
        let Ok(mut connection) = client.get_connection() else {
            return false;
        };
        redis::cmd("INFO")
            .arg("server")
            .query::<String>(&mut connection)
            .is_ok_and(|info| info.contains(&format!("process_id:{process}\r")))
            // It is silent while it reads what it has written down.
            && redis::cmd("PING").query::<String>(&mut connection).is_ok()
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
        drop(fs::remove_dir_all(&self.directory));
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
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
