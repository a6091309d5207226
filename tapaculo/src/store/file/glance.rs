//! A file that is only looked at: what is written over it stays in memory, and is forgotten.
//!
//! To open a file is to mark it as open, and to mend what a crash has left; a file that turns out to be
//! damaged would be marked and be mended at the next attempt, by an older state of its rooms.

use redb::{BackendError, StorageBackend};
use std::{
    collections::BTreeMap,
    io,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What is written is kept in blocks of so many bytes.
const BLOCK: usize = 4096;

/// A file behind what was written over it.
#[derive(Debug)]
pub(super) struct Glance<B> {
    file: B,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    /// How long the file would be.
    len: u64,
    /// From where on nothing of the file is left.
    cut: u64,
    blocks: BTreeMap<u64, Box<[u8; BLOCK]>>,
}

impl<B: StorageBackend> Glance<B> {
    pub(super) fn at(file: B) -> io::Result<Self> {
        let len = file.len()?;
        Ok(Self {
            file,
            written: Mutex::new(Written {
                len,
                cut: len,
                blocks: BTreeMap::new(),
            }),
        })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block as the file has it, zeros where it has none.
    fn of_file(&self, block: u64, cut: u64) -> io::Result<Box<[u8; BLOCK]>> {
        let mut bytes = Box::new([0; BLOCK]);
        let from = block * BLOCK as u64;
        let in_file = cut.saturating_sub(from).min(BLOCK as u64) as usize;
        if in_file > 0 {
            self.file.read(from, &mut bytes[..in_file])?;
        }
        Ok(bytes)
    }
}

/// The blocks in which so many bytes are: each with what of it is meant.
fn blocks(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let (mut at, end) = (offset, offset + len as u64);
    std::iter::from_fn(move || {
        let block = at / BLOCK as u64;
        let next = ((block + 1) * BLOCK as u64).min(end);
        let from = (at % BLOCK as u64) as usize;
        let len = (next - at) as usize;
        at = next;
        (len > 0).then_some((block, from, len))
    })
}

impl<B: StorageBackend> StorageBackend for Glance<B> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written().len)
    }

    fn read(&self, offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        let written = self.written();
        if offset
            .checked_add(out.len() as u64)
            .is_none_or(|end| end > written.len)
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (block, from, len) in blocks(offset, out.len()) {
            let (now, rest) = out.split_at_mut(len);
            match written.blocks.get(&block) {
                Some(bytes) => now.copy_from_slice(&bytes[from..from + len]),
                None => {
                    let bytes = self.of_file(block, written.cut)?;
                    now.copy_from_slice(&bytes[from..from + len]);
                }
            }
            out = rest;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut written = self.written();
        written.len = len;
        if len < written.cut {
            written.cut = len;
        }
        written
            .blocks
            .retain(|block, _| block * (BLOCK as u64) < len);
        if let Some(last) = written.blocks.get_mut(&(len / BLOCK as u64)) {
            last[(len % BLOCK as u64) as usize..].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, mut data: &[u8]) -> io::Result<()> {
        let mut written = self.written();
        for (block, from, len) in blocks(offset, data.len()) {
            if !written.blocks.contains_key(&block) {
                let bytes = self.of_file(block, written.cut)?;
                written.blocks.insert(block, bytes);
            }
            let (now, rest) = data.split_at(len);
            if let Some(bytes) = written.blocks.get_mut(&block) {
                bytes[from..from + len].copy_from_slice(now);
            }
            data = rest;
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, from: Bound<u64>, to: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(from, to)
    }

    fn unlock_range(&self, from: Bound<u64>, to: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::backends::InMemoryBackend;

    #[test]
    fn what_is_written_over_a_file_is_read_and_the_file_is_as_it_was() {
        let file = InMemoryBackend::new();
        file.set_len(10_000).unwrap();
        file.write(0, &[1; 10_000]).unwrap();
        let glance = Glance::at(file).unwrap();
        glance.write(4090, &[2; 5000]).unwrap();
        glance.write(4092, &[3; 2]).unwrap();
        let mut expected = vec![1; 10_000];
        expected[4090..9090].fill(2);
        expected[4092..4094].fill(3);
        let mut read = vec![0; 10_000];
        glance.read(0, &mut read).unwrap();
        assert_eq!(read, expected);
        assert!(glance.read(9_999, &mut [0; 2]).is_err());
        // What was cut off does not come back.
        glance.set_len(9_500).unwrap();
        glance.set_len(20_000).unwrap();
        assert_eq!(glance.len().unwrap(), 20_000);
        let mut read = [9; 1000];
        glance.read(9_400, &mut read).unwrap();
        assert_eq!(
            (read[..100].to_vec(), read[100..].to_vec()),
            (vec![1; 100], vec![0; 900])
        );
        let mut read = vec![0; 10_000];
        glance.file.read(0, &mut read).unwrap();
        assert_eq!(read, [1; 10_000]);
    }
}
