//! Counts the fragments that come in: what reads the socket tells of whole messages only, and of
//! nothing while one goes on and on.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes of a frame's head (RFC 6455, section 5.2): two, a length and a mask.
const MOST_HEAD: usize = 2 + 8 + 4;

/// A socket that looks at the heads of the frames that are read from it.
#[derive(Debug)]
pub(super) struct Fragments<S> {
    io: S,
    heads: Heads,
}

impl<S> Fragments<S> {
    pub(super) fn new(io: S) -> Self {
        Self {
            io,
            heads: Heads::default(),
        }
    }

    /// How many frames have come in since the last call that did not end their message.
    pub(super) fn take(&mut self) -> u32 {
        std::mem::take(&mut self.heads.fragments)
    }
}

/// Finds its way from head to head.
#[derive(Debug, Default)]
struct Heads {
    /// What there is of the next head.
    head: [u8; MOST_HEAD],
    known: usize,
    /// How much of the frame is still to come behind its head.
    rest: u64,
    fragments: u32,
}

impl Heads {
    fn read(&mut self, mut bytes: &[u8]) {
        while let Some((first, others)) = bytes.split_first() {
            if self.rest > 0 {
                let skip =
                    usize::try_from(self.rest).map_or(bytes.len(), |rest| rest.min(bytes.len()));
                self.rest -= skip as u64;
                bytes = &bytes[skip..];
                continue;
            }
            self.head[self.known] = *first;
            self.known += 1;
            bytes = others;
            if let Some(length) = self.length() {
                let (is_last, is_control) = (self.head[0] & 0x80 != 0, self.head[0] & 0x08 != 0);
                if !is_last && !is_control {
                    self.fragments = self.fragments.saturating_add(1);
                }
                self.rest = length;
                self.known = 0;
            }
        }
    }

    /// The length of what follows, once the head is complete.
    fn length(&self) -> Option<u64> {
        let head = &self.head[..self.known];
        let [_, second, rest @ ..] = head else {
            return None;
        };
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        let bytes = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if rest.len() < bytes + mask {
            return None;
        }
        let length = rest[..bytes].iter();
        Some(match bytes {
            0 => u64::from(second & 0x7f),
            _ => length.fold(0, |length, byte| length << 8 | u64::from(*byte)),
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Fragments<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        self.heads.read(&buffer.filled()[before..]);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Fragments<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };

    fn bytes(payload: usize, opcode: Data, is_last: bool, masked: bool) -> Vec<u8> {
        let mut frame = Frame::message(vec![0xff; payload], OpCode::Data(opcode), is_last);
        if masked {
            frame.header_mut().mask = Some([1, 2, 3, 4]);
        }
        let mut bytes = Vec::new();
        frame.format(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn fragments_are_found_however_long_and_however_cut() {
        let mut stream = Vec::new();
        let mut expected = 0;
        for masked in [true, false] {
            for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
                stream.extend(bytes(length, Data::Text, false, masked));
                stream.extend(bytes(length, Data::Continue, false, masked));
                stream.extend([0x89, 0x80, 0, 0, 0, 0]); // a ping
                stream.extend(bytes(length, Data::Continue, true, masked));
                stream.extend(bytes(length, Data::Binary, true, masked));
                expected += 2;
            }
        }
        for step in [1, 2, 3, 7, 4096, stream.len()] {
            let mut heads = Heads::default();
            stream.chunks(step).for_each(|bytes| heads.read(bytes));
            assert_eq!(heads.fragments, expected, "{step}");
            assert_eq!((heads.known, heads.rest), (0, 0));
        }
    }
}
