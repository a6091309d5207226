//! Accepts connections and speaks HTTP/1 on them, with time limits, until the server drains.

use super::{app::App, arrival::Arrivals, shutdown::signalled};
use crate::session::Patient;
use axum::{Router, extract::ConnectInfo};
use hyper::{
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use socket2::SockRef;
use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream, ToSocketAddrs, lookup_host},
    task::JoinSet,
    time::sleep,
};

/// How long a client may take to send a request's head, and may be idle between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take nothing of a response that is on its way.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How much the system may keep of what a client has not taken: as much is lost on one that lags,
/// and has to pass before it is heard of again.
const SEND_BUFFER: usize = 128 * 1024;

/// The most bytes of a request's head.
const HEADER_BYTES: usize = 16 * 1024;

/// How many connections may wait to be accepted, if the system allows that: when a server has been
/// away, all of its players come back at the same moment.
const BACKLOG: u32 = 4096;

/// How long to wait when the system is out of sockets.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens on the first of these addresses that can be listened on.
pub(super) async fn bind(addresses: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let mut failed = io::Error::new(io::ErrorKind::InvalidInput, "it is no address");
    for address in lookup_host(addresses).await? {
        match bind_to(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn bind_to(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A server that starts again need not wait until its last connections are forgotten. On Windows it
    // would mean something else: that another process may take the port.
    if cfg!(not(windows)) {
        socket.set_reuseaddr(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until the end is requested and every WebSocket is gone.
///
/// While it drains it goes on to answer, so that `/readyz` can say so; no WebSocket gets in.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    app: &Arc<App>,
) -> anyhow::Result<()> {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    let mut clients = JoinSet::new();
    let mut ended = pin!(async {
        app.handle.requested().await;
        tokio::select! {
            () = app.drain() => {}
            // Who asks twice does not want to wait.
            () = signalled() => {}
        }
    });
    loop {
        tokio::select! {
            () = &mut ended => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let accepted = app.gate.accept(app.proxies.client_at(peer));
                    let Some(accepted) = accepted else { continue };
                    let (arrivals, router) = (Arrivals::begin(), router.clone());
                    clients.spawn(async move {
                        client(stream, peer, arrivals, router).await;
                        drop(accepted);
                    });
                }
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = clients.join_next() => {}
        }
    }
    Ok(())
}

/// Whether the client gave up before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// Serves one client, until it goes.
pub(super) async fn client(
    stream: TcpStream,
    peer: SocketAddr,
    arrivals: Arrivals,
    router: Router,
) {
    let options = SockRef::from(&stream);
    let set = options.set_tcp_nodelay(true);
    if let Err(error) = set.and_then(|()| options.set_send_buffer_size(SEND_BUFFER)) {
        tracing::debug!(%error, "the socket is gone already");
        return;
    }
    let io = Patient::new(stream, WRITE_TIMEOUT);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request| {
        arrivals.mark(&mut request);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "an HTTP connection failed");
    }
}
