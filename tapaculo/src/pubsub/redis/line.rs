//! The connection on which a node sends its commands, and how they are tried again.

use super::{
    address::{Address, Way},
    backoff::BackoffConfig,
};
use crate::store::StoreError;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
    cluster_routing::SingleNodeRoutingInfo,
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::time::{Instant, sleep, timeout};

/// Whether a command that may have been carried out may be sent once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It does the same a second time.
    Harmless,
    /// It would be done twice.
    Never,
}

/// One connection for all commands of a node; many may be under way on it at once.
#[derive(Clone)]
pub(super) struct Line {
    address: Arc<Address>,
    backoff: BackoffConfig,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The connection, and how many there were with it: who finds it broken forgets this one and no
    /// later one.
    wire: Option<(u64, Wire)>,
    count: u64,
    /// Whoever wants a connection while one is being made waits for that one.
    dialing: Option<Dialing>,
    /// Why there is none, and since when: a Redis that is away is not asked by each room at once.
    failed: Option<(Instant, RedisError)>,
}

type Dialing = Shared<BoxFuture<'static, RedisResult<(u64, Wire)>>>;

#[derive(Clone)]
enum Wire {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl Line {
    pub(super) fn new(address: Arc<Address>, backoff: BackoffConfig) -> Self {
        Self {
            address,
            backoff,
            state: Arc::default(),
        }
    }

    /// Sends a command until it is answered, or its retries are used up.
    pub(super) async fn send(&self, command: &Cmd, again: Again) -> Result<Value, StoreError> {
        self.retry(Request::Command(command), again).await
    }

    /// Calls a script with the one key by which a cluster knows where it is to run.
    pub(super) async fn call(
        &self,
        script: &Script,
        key: &str,
        arguments: &[&[u8]],
        again: Again,
    ) -> Result<Value, StoreError> {
        let request = Request::Script {
            script,
            key,
            arguments,
        };
        self.retry(request, again).await
    }

    async fn retry(&self, request: Request<'_>, again: Again) -> Result<Value, StoreError> {
        let mut retry = 0;
        loop {
            let (error, repeat) = match timeout(self.backoff.timeout(), self.wire()).await {
                Err(_) => ("it could not be connected to in time".to_owned(), true),
                Ok(Err(error)) => (error.to_string(), true),
                Ok(Ok((count, mut wire))) => {
                    match timeout(self.backoff.timeout(), request.send(&mut wire)).await {
                        Ok(Ok(value)) => return Ok(value),
                        Ok(Err(error)) => {
                            let refusal = Refusal::of(&error);
                            if refusal != Refusal::Passing && refusal != Refusal::Lasting {
                                self.forget(count);
                            }
                            let repeat = match refusal {
                                Refusal::Passing | Refusal::Demoted => true,
                                Refusal::Unknown => again == Again::Harmless,
                                Refusal::Lasting => false,
                            };
                            (error.to_string(), repeat)
                        }
                        Err(_) => {
                            self.forget(count);
                            ("no answer in time".to_owned(), again == Again::Harmless)
                        }
                    }
                }
            };
            if !repeat || retry >= self.backoff.max_retries {
                return Err(StoreError::Unavailable(error));
            }
            sleep(self.backoff.delay(retry)).await;
            retry += 1;
        }
    }

    /// The connection; a new one if there is none.
    async fn wire(&self) -> RedisResult<(u64, Wire)> {
        let dialing = {
            let mut state = self.lock();
            if let Some(wire) = &state.wire {
                return Ok(wire.clone());
            }
            if let Some((since, error)) = &state.failed
                && since.elapsed() < self.backoff.delay(0)
            {
                return Err(error.clone());
            }
            match &state.dialing {
                Some(dialing) => dialing.clone(),
                None => {
                    let dialing = self.clone().dial().boxed().shared();
                    state.dialing = Some(dialing.clone());
                    // It goes on when whoever asked for it has no time left.
                    tokio::spawn(dialing.clone());
                    dialing
                }
            }
        };
        dialing.await
    }

    async fn dial(self) -> RedisResult<(u64, Wire)> {
        let connected = match timeout(self.backoff.timeout() * 2, self.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err((ErrorKind::Io, "it could not be connected to in time").into()),
        };
        let mut state = self.lock();
        state.dialing = None;
        match connected {
            Ok(wire) => {
                state.count += 1;
                state.failed = None;
                state.wire = Some((state.count, wire.clone()));
                Ok((state.count, wire))
            }
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> RedisResult<Wire> {
        let time = self.backoff.timeout();
        match self.address.commands(time).await? {
            Way::Server(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(time))
                    .set_response_timeout(Some(time));
                client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await
                    .map(Wire::Server)
            }
            Way::Cluster(client) => client.get_async_connection().await.map(Wire::Cluster),
        }
    }

    fn forget(&self, count: u64) {
        let mut state = self.lock();
        if let Some((present, wire)) = &state.wire
            && *present == count
            // It looks after its own connections, of which the others are sound.
            && matches!(wire, Wire::Server(_))
        {
            state.wire = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is sent.
enum Request<'a> {
    Command(&'a Cmd),
    Script {
        script: &'a Script,
        key: &'a str,
        arguments: &'a [&'a [u8]],
    },
}

impl Request<'_> {
    async fn send(&self, wire: &mut Wire) -> RedisResult<Value> {
        match self {
            Self::Command(command) => wire.send(command).await,
            Self::Script {
                script,
                key,
                arguments,
            } => match wire.send(&script.by_hash(key, arguments)).await {
                // It knows it from now on.
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    wire.send(&script.in_full(key, arguments)).await
                }
                answer => answer,
            },
        }
    }
}

impl Wire {
    async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        let answer = match self {
            Self::Server(server) => server.req_packed_command(command).await?,
            Self::Cluster(cluster) => match cluster.req_packed_command(command).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) => {
                    ask(cluster, command, &error).await?
                }
                answer => answer?,
            },
        };
        answer.extract_error()
    }
}

/// Sends a command to the server that is just being given its key, as the error says.
async fn ask(
    cluster: &mut ClusterConnection,
    command: &Cmd,
    error: &RedisError,
) -> RedisResult<Value> {
    let server = error
        .redirect_node()
        .and_then(|(server, _)| server.rsplit_once(':'));
    let Some((host, Ok(port))) = server.map(|(host, port)| (host, port.parse())) else {
        return Err(error.clone());
    };
    let mut both = redis::Pipeline::new();
    both.cmd("ASKING").add_command(command.clone());
    let route = SingleNodeRoutingInfo::ByAddress {
        host: host.to_owned(),
        port,
    };
    let mut answers = cluster.route_pipeline(both, 0, 2, route).await?;
    Ok(answers.pop().unwrap_or(Value::Nil))
}

/// What an error says of the command that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It was not carried out, and may be soon.
    Passing,
    /// It was not carried out: this server is not the one any more that may write.
    Demoted,
    /// It was not carried out, nor will it be.
    Lasting,
    /// It may have been carried out.
    Unknown,
}

impl Refusal {
    fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::ReadOnly) => Self::Demoted,
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask,
            )
            | ErrorKind::ClusterConnectionNotFound => Self::Passing,
            ErrorKind::Server(_) => Self::Lasting,
            // Another script takes its time; the others are such as `OOM` and `MISCONF`.
            ErrorKind::Extension if error.code() == Some("BUSY") => Self::Passing,
            ErrorKind::Extension => Self::Lasting,
            _ => Self::Unknown,
        }
    }
}

/// A Lua script, which Redis runs in one step.
pub(super) struct Script {
    code: &'static str,
    hashed: redis::Script,
}

impl Script {
    pub(super) fn new(code: &'static str) -> Self {
        Self {
            code,
            hashed: redis::Script::new(code),
        }
    }

    fn by_hash(&self, key: &str, arguments: &[&[u8]]) -> Cmd {
        with_arguments("EVALSHA", self.hashed.get_hash(), key, arguments)
    }

    fn in_full(&self, key: &str, arguments: &[&[u8]]) -> Cmd {
        with_arguments("EVAL", self.code, key, arguments)
    }
}

fn with_arguments(command: &str, script: &str, key: &str, arguments: &[&[u8]]) -> Cmd {
    let mut call = redis::cmd(command);
    call.arg(script).arg(1).arg(key).arg(arguments);
    call
}
