//! A server in a process of its own: an example, built and run as a user would.

use crate::DEADLINE;
use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout},
    time::timeout,
};

/// A running example; it is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    // Kept open: a closed pipe would make its next line an error.
    _stdout: Lines<BufReader<ChildStdout>>,
}

/// Builds the examples, once in this process, and answers with the path of this one.
fn example(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a path");
        let profile = test.parent().and_then(|deps| deps.parent());
        let profile = profile.expect("a test is in target/<profile>/deps");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--locked", "--package", "tapaculo-examples"]);
        build.arg("--examples");
        if profile.ends_with("release") {
            build.arg("--release");
        }
        build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        assert!(build.status().expect("cargo runs").success(), "they build");
        profile.join("examples")
    });
    folder.join(name)
}

impl Process {
    /// Starts an example on a free port.
    ///
    /// # Panics
    /// If it does not come up.
    pub async fn start(name: &str) -> Self {
        Self::start_with(name, &[]).await
    }

    /// The same, with something in its environment.
    ///
    /// # Panics
    /// If it does not come up.
    pub async fn start_with(name: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = tokio::process::Command::new(example(name));
        command
            .env("PORT", "0")
            .env("RUST_LOG", "warn")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("the example starts");
        let stdout = child.stdout.take().expect("piped");
        let mut lines = BufReader::new(stdout).lines();
        let port = async {
            while let Ok(Some(line)) = lines.next_line().await {
                let port = line.rsplit_once("http://localhost:").map(|(_, port)| port);
                if let Some(port) = port.and_then(|port| port.trim().parse::<u16>().ok()) {
                    return port;
                }
            }
            panic!("{name} never said where it listens");
        };
        let port = timeout(DEADLINE, port).await.expect("it comes up in time");
        Self {
            address: ([127, 0, 0, 1], port).into(),
            child,
            _stdout: lines,
        }
    }

    /// Runs an example that can't do what it should, and answers with what it says of that.
    ///
    /// # Panics
    /// If it runs on, or ends well.
    pub async fn fail(name: &str, environment: &[(&str, &str)]) -> String {
        let mut command = tokio::process::Command::new(example(name));
        command.envs(environment.iter().copied()).kill_on_drop(true);
        let output = timeout(DEADLINE, command.output()).await;
        let output = output.expect("it ends in time").expect("it starts");
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Its process's number.
    ///
    /// # Panics
    /// If it has ended.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Kills it; it has no say in that.
    ///
    /// # Panics
    /// If it has ended before.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it is killed");
    }

    /// Asks it to end, as a service manager does, and answers with whether it ended well.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn stop(mut self) -> bool {
        let id = self.child.id().expect("it runs").to_string();
        // The shell's own `kill`: the program is not on every machine.
        let kill = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -TERM {id}"))
            .status();
        assert!(kill.expect("a shell runs").success());
        let ended = timeout(DEADLINE, self.child.wait()).await;
        ended.expect("it ends in time").expect("it ran").success()
    }
}
