//! A real Redis of a test's own, and a connection to it that is not our own client.

use crate::{DEADLINE, folder::Folder};
use std::{
    collections::BTreeMap,
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// Ends what it has started when its own input ends: with this value, or with the test's process.
const GUARD: &str = r#""$@" & read -r _; kill -KILL $!; wait $! 2>/dev/null; exit 0"#;

/// Where Redis keeps what it has written, in its folder, and where an older state of that is kept.
const WRITTEN: &str = "appendonlydir";
const OLDER: &str = "older";

/// How often is looked whether it has come up.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How many ports are tried: another process may take one before Redis does.
const PORTS: usize = 10;

/// A `redis-server` with an append-only file; it is killed when this is dropped.
#[derive(Debug)]
pub struct Redis {
    /// Where it listens.
    pub address: SocketAddr,
    // Before the folder that it writes to.
    running: Option<Running>,
    folder: Folder,
}

/// The shell that watches over a server.
#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Redis {
    /// Starts one on a free port, and waits until it answers.
    ///
    /// # Panics
    /// If there is none to start, or it does not come up.
    pub async fn start() -> Self {
        let mut redis = Self {
            address: free_address(),
            running: None,
            folder: Folder::new("redis"),
        };
        for _ in 0..PORTS {
            if redis.run().await {
                return redis;
            }
            redis.address = free_address();
        }
        panic!("no redis-server comes up");
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Kills it, with what it has not written.
    ///
    /// # Panics
    /// If it is not running.
    pub fn kill(&mut self) {
        assert!(self.running.take().is_some(), "it runs");
    }

    /// Starts it again, where it was and with what it has written.
    ///
    /// # Panics
    /// If it runs, or does not come up.
    pub async fn restart(&mut self) {
        assert!(self.running.is_none(), "it was killed before");
        assert!(self.run().await, "its port is free still");
    }

    /// Takes note of what it has written so far, for [`forget`](Self::forget).
    ///
    /// # Panics
    /// If that can't be copied.
    pub fn remember(&self) {
        let older = self.folder.path().join(OLDER);
        copy_folder(&self.folder.path().join(WRITTEN), &older).expect("copied");
    }

    /// Kills it, and takes from it what it has written since it was to remember: as if another took
    /// over who had not heard of that.
    ///
    /// # Panics
    /// If it does not run, or was to remember nothing.
    pub fn forget(&mut self) {
        self.kill();
        let written = self.folder.path().join(WRITTEN);
        fs::remove_dir_all(&written).expect("it has written something");
        fs::rename(self.folder.path().join(OLDER), written).expect("it was to remember");
    }

    /// Runs it, and says whether it has come up.
    async fn run(&mut self) -> bool {
        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "guard", "redis-server"]);
        command.arg("--bind").arg(self.address.ip().to_string());
        command.arg("--port");
        command.arg(self.address.port().to_string());
        command.arg("--dir").arg(self.folder.path());
        command.args(["--appendonly", "yes", "--appendfsync", "everysec"]);
        command.args(["--save", "", "--loglevel", "warning"]);
        command.args(["--logfile", "redis.log"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        self.running = Some(Running(command.spawn().expect("a shell runs")));
        let start = Instant::now();
        while start.elapsed() < DEADLINE / 2 {
            // Whoever answers may be another one.
            if let Ok(Reply::List(dir)) = self.ask(&["CONFIG", "GET", "dir"]).await {
                let own = self.folder.path().to_string_lossy().into_owned();
                if dir.contains(&Reply::Text(own)) {
                    return true;
                }
            }
            if !is_installed() {
                panic!("no redis-server on the path: install Debian's package redis-server");
            }
            sleep(LOOK_EVERY).await;
        }
        self.running = None;
        false
    }

    /// Has it do a command.
    ///
    /// # Errors
    /// If it can't be reached, or says that it can't.
    pub async fn ask(&self, words: &[&str]) -> io::Result<Reply> {
        let asking = async {
            let mut stream = BufReader::new(TcpStream::connect(self.address).await?);
            let mut command = format!("*{}\r\n", words.len());
            for word in words {
                command += &format!("${}\r\n{word}\r\n", word.len());
            }
            stream.write_all(command.as_bytes()).await?;
            Reply::read(&mut stream).await
        };
        timeout(DEADLINE, asking).await?
    }

    /// How often each command was called since the last time, by clients and by scripts.
    ///
    /// # Panics
    /// If it does not say.
    pub async fn commandstats(&self) -> BTreeMap<String, u64> {
        let stats = self.ask(&["INFO", "commandstats"]).await;
        let Ok(Reply::Text(stats)) = stats else {
            panic!("{stats:?} instead of the statistics");
        };
        self.ask(&["CONFIG", "RESETSTAT"])
            .await
            .expect("it forgets them");
        // cmdstat_get:calls=2,usec=9,…
        let lines = stats.lines().filter_map(|line| {
            let (command, stats) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            let (calls, _) = stats.split_once(',')?;
            Some((command.to_owned(), calls.parse().ok()?))
        });
        // That it should forget is what it was asked here.
        lines
            .filter(|(command, _)| !command.starts_with("config"))
            .collect()
    }

    /// How often it has read from a connection, since the statistics were asked for last: that is how
    /// often somebody has asked it something and waited, where everyone waits for answers.
    ///
    /// # Panics
    /// If it does not say.
    pub async fn reads(&self) -> u64 {
        let stats = self.ask(&["INFO", "stats"]).await;
        let Ok(Reply::Text(stats)) = stats else {
            panic!("{stats:?} instead of the statistics");
        };
        let mut lines = stats.lines();
        let reads = lines.find_map(|line| line.strip_prefix("total_reads_processed:"));
        let reads = reads.and_then(|reads| reads.parse().ok());
        reads.expect("a number of reads")
    }
}

/// What Redis answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nil,
    /// A number.
    Number(i64),
    /// A text, of any kind.
    Text(String),
    /// Several.
    List(Vec<Reply>),
}

impl Reply {
    async fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Self> {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end();
        let (kind, rest) = line
            .split_at_checked(1)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let number = || rest.parse::<i64>().map_err(io::Error::other);
        match kind {
            "+" => Ok(Self::Text(rest.to_owned())),
            ":" => Ok(Self::Number(number()?)),
            "$" | "*" if number()? < 0 => Ok(Self::Nil),
            "$" => {
                let length = rest.parse::<usize>().map_err(io::Error::other)?;
                let mut text = vec![0; length + 2];
                stream.read_exact(&mut text).await?;
                text.truncate(length);
                Ok(Self::Text(String::from_utf8_lossy(&text).into_owned()))
            }
            "*" => {
                let mut list = Vec::new();
                for _ in 0..number()? {
                    list.push(Box::pin(Self::read(stream)).await?);
                }
                Ok(Self::List(list))
            }
            _ => Err(io::Error::other(line.to_owned())),
        }
    }

    /// The texts of a list.
    #[must_use]
    pub fn texts(self) -> Vec<String> {
        match self {
            Self::List(list) => list.into_iter().flat_map(Self::texts).collect(),
            Self::Text(text) => vec![text],
            Self::Number(number) => vec![number.to_string()],
            Self::Nil => Vec::new(),
        }
    }
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}

/// An address of its own, where nobody else listens while it is down: one of the 16 million of the
/// loopback network.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let own = Ipv4Addr::new(127, high, low, NEXT.fetch_add(1, Ordering::Relaxed));
    let listener = TcpListener::bind((own, 0)).expect("a free port");
    listener.local_addr().expect("bound")
}

fn is_installed() -> bool {
    let version = Command::new("redis-server").arg("--version").output();
    version.is_ok_and(|version| version.status.success())
}

#[cfg(test)]
mod tests {
    use super::{Redis, Reply};

    #[tokio::test]
    async fn it_comes_back_with_what_it_knew_and_counts_what_it_is_asked() {
        let mut redis = Redis::start().await;
        redis.ask(&["SET", "a key", "of words"]).await.expect("set");
        redis
            .ask(&["RPUSH", "list", "1", ""])
            .await
            .expect("pushed");
        redis.kill();
        assert!(redis.ask(&["PING"]).await.is_err());
        redis.restart().await;
        redis.commandstats().await;
        let value = redis.ask(&["GET", "a key"]).await.expect("an answer");
        assert_eq!(value, Reply::Text("of words".to_owned()));
        let list = redis.ask(&["LRANGE", "list", "0", "-1"]).await;
        assert_eq!(list.expect("a list").texts(), ["1", ""]);
        let none = redis.ask(&["GET", "b"]).await.expect("an answer");
        assert_eq!(none, Reply::Nil);
        assert!(redis.ask(&["NONSENSE"]).await.is_err());
        let stats = redis.commandstats().await;
        assert_eq!((stats["get"], stats["lrange"]), (2, 1), "{stats:?}");

        redis.remember();
        redis
            .ask(&["SET", "a key", "of other words"])
            .await
            .expect("set");
        redis.forget();
        redis.restart().await;
        let value = redis.ask(&["GET", "a key"]).await.expect("an answer");
        assert_eq!(value, Reply::Text("of words".to_owned()));

        let folder = redis.folder.path().to_owned();
        let address = redis.address;
        drop(redis);
        assert!(!folder.exists());
        assert!(std::net::TcpStream::connect(address).is_err(), "it is gone");
    }
}
