//! The last of a connection: what the peer still sends is read, so that it gets our last words.

use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// How long the peer may take to close its end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Closes our end, then waits for the peer's.
///
/// A socket that is dropped with unread input is reset, and a reset overtakes what was sent:
/// the close frame would be lost (RFC 9293, section 3.6.1).
pub(super) async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut io: S) {
    let mut rest = [0; 1024];
    let last = async {
        io.shutdown().await?;
        while io.read(&mut rest).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // Whether the peer was in time makes no difference any more.
    let _ = timeout(PATIENCE, last).await;
}
