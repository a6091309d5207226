//! What is between a node and Redis: it can cut, hold up, and lead elsewhere.

use std::sync::{
    Arc,
    atomic::{AtomicU16, AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
};

/// How a connection is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    Pass,
    /// Nothing comes through, and nobody is told.
    Hold,
    /// It is closed.
    Cut,
}

pub(super) struct Proxy {
    pub(super) port: u16,
    target: Arc<AtomicU16>,
    treatment: watch::Sender<Treatment>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// In front of the server at this port.
    pub(super) async fn start(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(AtomicU16::new(target));
        let (treatment, treated) = watch::channel(Treatment::Pass);
        let connections = Arc::new(AtomicUsize::new(0));
        tokio::spawn(accept(
            listener,
            target.clone(),
            treated,
            connections.clone(),
        ));
        Self {
            port,
            target,
            treatment,
            connections,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Treats all connections so, those to come too.
    pub(super) fn treat(&self, treatment: Treatment) {
        self.treatment.send_replace(treatment);
    }

    /// Leads new connections to another server.
    pub(super) fn lead_to(&self, target: u16) {
        self.target.store(target, Ordering::SeqCst);
    }

    /// How many connections there were.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    target: Arc<AtomicU16>,
    treated: watch::Receiver<Treatment>,
    connections: Arc<AtomicUsize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        let port = target.load(Ordering::SeqCst);
        let treated = treated.clone();
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
                return;
            };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::select! {
                () = copy(from_client, to_server, treated.clone()) => {}
                () = copy(from_server, to_client, treated) => {}
            }
        });
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut treated: watch::Receiver<Treatment>,
) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let treatment = *treated.borrow_and_update();
        tokio::select! {
            _ = treated.changed() => {}
            read = from.read(&mut bytes), if treatment == Treatment::Pass => {
                let count = read.unwrap_or(0);
                if count == 0 || to.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        }
        if *treated.borrow() == Treatment::Cut {
            return;
        }
    }
}
