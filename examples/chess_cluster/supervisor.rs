//! One node as the parent sees it: a process that is started, hears what there is to know, is ended or
//! ends, and may be started again.

use crate::{
    cluster::{Act, Cluster, Name, Node, Order, Said, State, Told},
    parent::itself,
};
use anyhow::Context;
use std::{env, fmt::Write, io, process::Stdio, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin},
    sync::{broadcast, watch},
};

/// What all nodes are told as they start.
#[derive(Clone)]
pub(crate) struct Environment {
    redis_url: String,
    /// They must trust each other's tokens.
    secret: String,
}

impl Environment {
    pub(crate) fn new(redis_url: &str) -> Self {
        Self {
            redis_url: redis_url.to_owned(),
            secret: env::var("TAPACULO_SECRET").unwrap_or_else(|_| random_secret()),
        }
    }

    fn start(&self, name: Name) -> io::Result<Child> {
        let mut command = itself()?;
        command.args(["node", &name.to_string()]);
        command.env("REDIS_URL", &self.redis_url);
        command.env("TAPACULO_SECRET", &self.secret);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true).spawn()
    }
}

fn random_secret() -> String {
    let bytes = rand::random::<[u8; 32]>();
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a string takes everything
        text
    })
}

/// Runs a node, as often as it is ordered to; at first without an order.
pub(crate) async fn run(
    name: Name,
    environment: Environment,
    cluster: Arc<watch::Sender<Cluster>>,
    orders: broadcast::Sender<Order>,
) -> anyhow::Result<()> {
    let mut heard = orders.subscribe();
    let life = Life {
        name,
        cluster: &cluster,
        orders: &orders,
    };
    loop {
        match environment.start(name) {
            Ok(child) => life.run(child, &mut heard).await?,
            Err(error) => {
                tracing::error!(%name, %error, "the node can't be started");
                life.end(State::Crashed);
            }
        }
        while next(&mut heard, name).await? != Act::Start {}
    }
}

/// The next order for this node.
async fn next(orders: &mut broadcast::Receiver<Order>, name: Name) -> anyhow::Result<Act> {
    loop {
        match orders.recv().await {
            Ok(order) if order.node == name => return Ok(order.act),
            // Of so many orders at once some may be lost.
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A node from its start to its end.
struct Life<'a> {
    name: Name,
    cluster: &'a watch::Sender<Cluster>,
    orders: &'a broadcast::Sender<Order>,
}

impl Life<'_> {
    async fn run(
        &self,
        mut child: Child,
        orders: &mut broadcast::Receiver<Order>,
    ) -> anyhow::Result<()> {
        let mut stdin = child.stdin.take().context("piped")?;
        let mut said = BufReader::new(child.stdout.take().context("piped")?).lines();
        let mut logged = BufReader::new(child.stderr.take().context("piped")?).lines();
        let name = self.name;
        tokio::spawn(async move {
            while let Ok(Some(line)) = logged.next_line().await {
                eprintln!("{name} {line}");
            }
        });
        self.note(|node| {
            *node = Node {
                process: child.id(),
                ..Node::default()
            }
        });
        let mut known = self.cluster.subscribe();
        known.mark_changed();
        loop {
            tokio::select! {
                line = said.next_line() => match line {
                    Ok(Some(line)) => self.hear(&line),
                    _ => break, // it has ended, or is about to
                },
                _ = known.changed() => {
                    let now = known.borrow_and_update().clone();
                    tell(&mut stdin, &Told::Cluster(now)).await;
                }
                act = next(orders, self.name) => match act? {
                    Act::Start => {}
                    Act::ShutDown => {
                        self.note(|node| node.state = State::ShuttingDown);
                        tell(&mut stdin, &Told::ShutDown).await;
                    }
                    Act::Crash => child.start_kill()?,
                },
            }
        }
        let ended = child.wait().await?;
        self.end(if ended.success() {
            State::Stopped
        } else {
            State::Crashed
        });
        Ok(())
    }

    fn end(&self, state: State) {
        let nothing = Node::default();
        self.note(|node| *node = Node { state, ..nothing });
    }

    fn hear(&self, line: &str) {
        match serde_json::from_str(line) {
            Ok(Said::ListensAt(address)) => self.note(|node| {
                node.address = Some(address);
                if node.state == State::Starting {
                    node.state = State::Running;
                }
            }),
            Ok(Said::Has(share)) => self.note(|node| node.share = share),
            Ok(Said::Asks(order)) => drop(self.orders.send(order)),
            Err(error) => {
                tracing::warn!(name = %self.name, line, %error, "no idea what a node says");
            }
        }
    }

    fn note(&self, change: impl FnOnce(&mut Node)) {
        self.cluster.send_modify(|cluster| {
            cluster.nodes.entry(self.name).and_modify(change);
        });
    }
}

/// Tells a node something; one that ends just now does not hear it.
async fn tell(stdin: &mut ChildStdin, told: &Told) {
    if let Ok(line) = serde_json::to_string(told) {
        let _ = stdin.write_all(format!("{line}\n").as_bytes()).await;
    }
}
