//! A bad network: it stands between a client and a server and does to their bytes what a test says.

use socket2::SockRef;
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// The most connections at a time; further ones are refused.
const CONNECTIONS: usize = 64;

/// How many bytes of one direction are under way at most.
const BUFFER_BYTES: usize = 4096;

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// How a connection ends, on both of its sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// With RST: what was under way is lost.
    Reset,
    /// With FIN, as if the other side had ended without a word.
    Finish,
}

/// The bad network; its connections end when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    rules: Mutex<Rules>,
    links: Mutex<Vec<Arc<Link>>>,
    counts: watch::Sender<Counts>,
}

/// What holds for all connections, those to come included.
#[derive(Debug, Default)]
struct Rules {
    refuses: bool,
    delay: Duration,
    /// How many more bytes may go each way, before the connection that they are on is cut.
    budget: [Option<usize>; 2],
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many connections came in, refused ones included.
    pub connections: usize,
    /// How many were cut because their bytes were used up.
    pub cuts: usize,
}

/// One connection.
#[derive(Debug, Default)]
struct Link {
    swallows: [AtomicBool; 2],
    ends: [watch::Sender<bool>; 2],
    cut: watch::Sender<Option<Cut>>,
}

impl Proxy {
    /// Starts one before a server.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(State {
            rules: Mutex::default(),
            links: Mutex::default(),
            counts: watch::Sender::default(),
        });
        let task = tokio::spawn(accept(listener, server, Arc::clone(&state)));
        Self {
            address,
            state,
            task,
        }
    }

    /// Cuts all connections that there are.
    pub fn cut(&self, how: Cut) {
        for link in self.state.links().iter() {
            link.cut.send_replace(Some(how));
        }
    }

    /// Lets this many more bytes pass this way, on whatever connection, and then resets the one
    /// that the last of them was on; it may be in the middle of a frame.
    pub fn cut_after(&self, way: Way, bytes: usize) {
        self.state.rules().budget[way as usize] = Some(bytes);
    }

    /// Holds everything back for this long, each way.
    pub fn delay(&self, delay: Duration) {
        self.state.rules().delay = delay;
    }

    /// Drops whatever goes this way on the connections that there are, and keeps them open.
    pub fn swallow(&self, way: Way) {
        for link in self.state.links().iter() {
            link.swallows[way as usize].store(true, Ordering::SeqCst);
        }
    }

    /// Ends this way of the connections that there are, with FIN; the other way goes on.
    pub fn half_close(&self, way: Way) {
        for link in self.state.links().iter() {
            link.ends[way as usize].send_replace(true);
        }
    }

    /// Whether new connections are reset at once.
    pub fn refuse(&self, refuses: bool) {
        self.state.rules().refuses = refuses;
    }

    /// What has happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.state.counts.borrow()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut(Cut::Reset);
    }
}

impl State {
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().expect("not poisoned")
    }

    fn links(&self) -> MutexGuard<'_, Vec<Arc<Link>>> {
        self.links.lock().expect("not poisoned")
    }

    /// How many of these bytes may pass, and whether the connection is to be cut after them.
    fn spend(&self, way: Way, bytes: usize) -> (usize, bool) {
        let budget = &mut self.rules().budget[way as usize];
        match budget {
            Some(left) if *left <= bytes => (budget.take().unwrap_or(0), true),
            Some(left) => {
                *left -= bytes;
                (bytes, false)
            }
            None => (bytes, false),
        }
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, state: Arc<State>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        state.counts.send_modify(|counts| counts.connections += 1);
        let link = Arc::new(Link::default());
        let refused = state.rules().refuses || {
            let mut links = state.links();
            let full = links.len() == CONNECTIONS;
            if !full {
                links.push(Arc::clone(&link));
            }
            full
        };
        if refused {
            reset(&client);
            continue;
        }
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            connect(client, server, &state, &link).await;
            state.links().retain(|other| !Arc::ptr_eq(other, &link));
        });
    }
}

async fn connect(mut client: TcpStream, server: SocketAddr, state: &State, link: &Link) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return reset(&client);
    };
    let mut cut = link.cut.subscribe();
    let how = {
        let (client_reads, client_writes) = client.split();
        let (server_reads, server_writes) = server.split();
        let up = pump(Way::Up, client_reads, server_writes, state, link);
        let down = pump(Way::Down, server_reads, client_writes, state, link);
        tokio::select! {
            ended = async { tokio::try_join!(up, down) } => match ended {
                Ok(_) => Cut::Finish,
                Err(_) => Cut::Reset,
            },
            how = cut.wait_for(Option::is_some) => how.ok().and_then(|how| *how).unwrap_or(Cut::Reset),
        }
    };
    if how == Cut::Reset {
        reset(&client);
        reset(&server);
    }
}

/// Makes the end of a stream, when it is dropped, an RST.
fn reset(stream: &TcpStream) {
    // A stream that is gone already needs no end.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// Carries bytes one way, to the end of the stream or to an error, which resets both.
async fn pump(
    way: Way,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    state: &State,
    link: &Link,
) -> io::Result<()> {
    let mut buffer = [0; BUFFER_BYTES];
    let mut end = link.ends[way as usize].subscribe();
    loop {
        let bytes = tokio::select! {
            bytes = from.read(&mut buffer) => bytes?,
            () = async { drop(end.wait_for(|end| *end).await) } => return to.shutdown().await,
        };
        if link.swallows[way as usize].load(Ordering::SeqCst) {
            if bytes == 0 {
                return std::future::pending().await; // the end is swallowed, too
            }
            continue;
        }
        if bytes == 0 {
            return to.shutdown().await;
        }
        let delay = state.rules().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let (passing, last) = state.spend(way, bytes);
        to.write_all(&buffer[..passing]).await?;
        if last {
            state.counts.send_modify(|counts| counts.cuts += 1);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
    }
}
