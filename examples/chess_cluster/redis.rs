//! The Redis that the nodes share: one that runs already, or one that is started here and ends with the
//! example.

use crate::parent::itself;
use anyhow::{Context, bail};
use std::{
    env, fs,
    io::{self, ErrorKind, Read},
    net::TcpListener as StdListener,
    process::{Command as StdCommand, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How many ports are tried: another program may take one before Redis does.
const PORTS: usize = 5;

const MISSING: &str = "\
chess_cluster needs Redis, and there is no `redis-server` on the path. Install it:

    Debian, Ubuntu    sudo apt install redis-server
    Fedora            sudo dnf install redis
    macOS             brew install redis

or say where one runs:

    REDIS_URL=redis://localhost:6379 cargo run --example chess_cluster";

/// A Redis to use.
pub(crate) struct Redis {
    pub(crate) url: String,
    /// Who watches over the one that was started here.
    watcher: Option<Child>,
}

impl Redis {
    pub(crate) async fn find_or_start() -> anyhow::Result<Self> {
        if let Ok(url) = env::var("REDIS_URL") {
            let watcher = None;
            return Ok(Self { url, watcher });
        }
        let mut asking = Command::new("redis-server");
        match asking.arg("--version").stdout(Stdio::null()).status().await {
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(MISSING),
            asked => asked.context("redis-server can't be run")?,
        };
        for _ in 0..PORTS {
            if let Some(redis) = Self::start().await? {
                return Ok(redis);
            }
        }
        bail!("redis-server does not come up, on any of {PORTS} ports");
    }

    /// Starts one on a port that was free just now; `None` if it does not come up.
    async fn start() -> anyhow::Result<Option<Self>> {
        let port = StdListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = itself()?;
        command.args(["redis", &port.to_string()]);
        let mut watcher = command.spawn()?;
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE && watcher.try_wait()?.is_none() {
            if matches!(timeout(PATIENCE, ping(port)).await, Ok(Ok(()))) {
                let url = format!("redis://127.0.0.1:{port}");
                let watcher = Some(watcher);
                return Ok(Some(Self { url, watcher }));
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(None)
    }

    /// Where it is, without what is secret in its URL.
    pub(crate) fn place(&self) -> &str {
        let url = self
            .url
            .split_once("://")
            .map_or(&*self.url, |(_, rest)| rest);
        let url = url.split_once('?').map_or(url, |(url, _)| url);
        url.rsplit_once('@').map_or(url, |(_, place)| place)
    }

    /// Ends the one that was started here, and waits until it is gone.
    pub(crate) async fn end(self) {
        if let Some(mut watcher) = self.watcher {
            drop(watcher.stdin.take());
            // If it takes longer, it is gone a moment after this process.
            let _ = timeout(PATIENCE, watcher.wait()).await;
        }
    }
}

async fn ping(port: u16) -> io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await?;
    match &answer {
        b"+PONG\r\n" => Ok(()),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

/// Runs a Redis until the input ends, which it does with the parent, even one that was killed. It
/// writes into a folder of its own, and reads nobody else's.
pub(crate) fn watch_over(port: u16) -> anyhow::Result<()> {
    let name = format!("chess_cluster-{:016x}", rand::random::<u64>());
    let folder = env::temp_dir().join(name);
    fs::create_dir(&folder)?;
    let redis = StdCommand::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no"])
        .arg("--dir")
        .arg(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    if let Ok(mut redis) = redis {
        io::stdin().read_to_end(&mut Vec::new())?;
        redis.kill()?;
        redis.wait()?;
    }
    fs::remove_dir_all(folder)?;
    Ok(())
}
