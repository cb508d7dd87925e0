//! What jackd's library keeps in `/dev/shm` for the names that clients give each other: a database of Berkeley's, one for all
//! servers of a user.
//!
//! A server that ends deletes its files one after the other. A client that is opened in between makes one that is missing anew
//! and empty, and dies of it (SIGBUS), as each does that is opened later, of whatever program: nobody else mends it.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long somebody may take to make or to delete the files.
const PATIENCE: Duration = Duration::from_millis(300);
const BETWEEN: Duration = Duration::from_millis(5);

/// Before a client is opened: waits until the files are whole or gone, and deletes what somebody has left in the middle.
pub(super) fn mend() {
    // SAFETY: takes nothing, and always succeeds.
    let user = unsafe { libc::getuid() };
    let directory = format!("/dev/shm/jack_db-{user}");
    mend_in(directory.as_ref(), PATIENCE);
}

fn mend_in(directory: &Path, patience: Duration) {
    let end = Instant::now() + patience;
    while let Ok(false) = is_whole(directory) {
        if Instant::now() > end {
            let _ = delete(directory);
            return;
        }
        thread::sleep(BETWEEN);
    }
}

/// The regions of memory that programs share, `__db.001` and so on, and their lengths.
fn regions(directory: &Path) -> io::Result<Vec<(String, u64)>> {
    let entries = fs::read_dir(directory)?.filter_map(Result::ok);
    let named = entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.metadata().ok()?.len())));
    Ok(named.filter(|(name, _)| name.starts_with("__db.")).collect())
}

/// Whether no region is empty, nor the first one alone.
fn is_whole(directory: &Path) -> io::Result<bool> {
    let regions = regions(directory)?;
    Ok(regions.len() != 1 && regions.iter().all(|(_, length)| *length > 0))
}

fn delete(directory: &Path) -> io::Result<()> {
    for (name, _) in regions(directory)? {
        fs::remove_file(directory.join(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_in_the_middle_is_deleted_and_nothing_else() {
        let directory = std::env::temp_dir().join(format!("sound-database-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        // Name, bytes; whether they are left alone.
        let cases: [(&[(&str, usize)], bool); 6] = [
            (&[("metadata.db", 0)], true),
            (&[("__db.001", 9), ("__db.002", 9), ("__db.003", 9), ("metadata.db", 9)], true),
            (&[("__db.001", 9), ("__db.002", 9)], true),
            (&[("__db.001", 9), ("__db.002", 0), ("metadata.db", 9)], false),
            (&[("__db.001", 0)], false),
            (&[("__db.001", 9), ("metadata.db", 9)], false),
        ];
        for (files, stay) in cases {
            for (name, length) in files {
                fs::write(directory.join(name), vec![1; *length]).expect("it is written");
            }
            mend_in(&directory, Duration::from_millis(20));
            for (name, _) in files {
                let there = fs::remove_file(directory.join(name)).is_ok();
                assert_eq!(there, stay || !name.starts_with("__db."), "{name} of {files:?}");
            }
        }
        fs::remove_dir(&directory).expect("it is empty");
        mend_in(&directory, Duration::ZERO);
    }

    #[test]
    fn files_that_are_being_made_are_waited_for() {
        let directory = std::env::temp_dir().join(format!("sound-database-made-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        let write = |name: &str| fs::write(directory.join(name), "1").expect("it is written");
        write("__db.001");
        thread::scope(|scope| {
            let mended = scope.spawn(|| mend_in(&directory, Duration::from_secs(60)));
            write("__db.002");
            mended.join().expect("no panic");
        });
        assert_eq!(regions(&directory).expect("they are there").len(), 2);
        fs::remove_dir_all(&directory).expect("it can be deleted");
    }
}
