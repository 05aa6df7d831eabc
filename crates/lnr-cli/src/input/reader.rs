// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fs::File;
use std::io::{Cursor, Error, Read, Result};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use lnr::CancelFlag;

/// Bytes that are read at once, and how many such blocks wait at most.
const BLOCK: usize = 1 << 16;
const MAX_BLOCKS: usize = 16;
/// How often one who waits for bytes looks whether the user has had enough.
const POLL: Duration = Duration::from_millis(50);

static CANCEL: OnceLock<CancelFlag> = OnceLock::new();

/// Has every [`Reader`] fail once `flag` is set.
pub fn cancel_with(flag: CancelFlag) {
    // There is one flag in a process.
    let _ = CANCEL.set(flag);
}

/// Reads what may keep one waiting, on a thread of its own: waiting ends when the user asks to stop. The
/// thread ends with its reader or its input, else with the process.
pub struct Reader {
    blocks: Receiver<Result<Vec<u8>>>,
    block: Cursor<Vec<u8>>,
}

impl Reader {
    /// Reads what `open` opens.
    pub fn start(open: impl FnOnce() -> Result<File> + Send + 'static) -> Self {
        let (sender, blocks) = sync_channel(MAX_BLOCKS);
        std::thread::spawn(move || {
            if let Err(e) = open().and_then(|file| send(file, &sender)) {
                // Nobody waits for it any more.
                let _ = sender.send(Err(e));
            }
        });
        Self { blocks, block: Cursor::default() }
    }

    /// As [`Reader::start`], of the file or pipe at `path`.
    pub fn open(path: &Path) -> Self {
        let path = path.to_owned();
        Self::start(move || File::open(path))
    }
}

fn send(mut file: File, sender: &SyncSender<Result<Vec<u8>>>) -> Result<()> {
    loop {
        let mut block = vec![0; BLOCK];
        let n = file.read(&mut block)?;
        block.truncate(n);
        if n == 0 || sender.send(Ok(block)).is_err() {
            return Ok(());
        }
    }
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        while self.block.position() == self.block.get_ref().len() as u64 {
            match self.blocks.recv_timeout(POLL) {
                Ok(block) => self.block = Cursor::new(block?),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) => {
                    if CANCEL.get().is_some_and(CancelFlag::is_set) {
                        return Err(Error::other("interrupted"));
                    }
                }
            }
        }
        self.block.read(out)
    }
}
