//! Clears away throwaway servers whose owner and keeper were both killed. Touches nothing that it can't tell to be ours: a
//! folder of our name whose owner is gone, and the process that runs on that folder.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How the folders of throwaway servers begin.
pub(super) const PREFIX: &str = "concertina-";

/// Writes into the folder who owns it: a process id and, since ids are used again, when that process began.
pub(super) fn claim(folder: &Path) -> io::Result<()> {
    let id = std::process::id();
    fs::write(folder.join("owner"), format!("{id} {}", began(id).unwrap_or_default()))
}

/// Stops and removes what dead owners left in this folder for temporary files.
pub(super) fn sweep(temporary: &Path) {
    let Ok(entries) = fs::read_dir(temporary) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            sweep_one(&entry.path());
        }
    }
}

fn sweep_one(folder: &Path) {
    let Ok(owner) = fs::read_to_string(folder.join("owner")) else { return sweep_empty(folder) };
    let Some((id, then)) = owner.split_once(' ') else { return };
    let Ok(id) = id.parse::<u32>() else { return };
    if is_alive(id, then) {
        return;
    }
    if let Some(server) = server_on(folder) {
        let _ = Command::new("kill").args(["-QUIT", &server.to_string()]).status();
    }
    let _ = fs::remove_dir_all(folder);
}

/// The folder that a keeper has emptied and could not remove, since it lies in a folder of another user's. One that is young may
/// be about to be claimed.
fn sweep_empty(folder: &Path) {
    let age = fs::metadata(folder).and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
    if age.is_some_and(|age| age > YOUNG) {
        let _ = fs::remove_dir(folder);
    }
}

/// How long a folder may lie there before its owner claims it.
const YOUNG: Duration = Duration::from_mins(1);

/// The process of a server that really runs on this folder.
fn server_on(folder: &Path) -> Option<u32> {
    let data = folder.join("data");
    let id = fs::read_to_string(data.join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()?;
    let command = fs::read(format!("/proc/{id}/cmdline")).ok()?;
    String::from_utf8_lossy(&command).contains(data.to_str()?).then_some(id)
}

fn is_alive(id: u32, began_then: &str) -> bool {
    match began(id) {
        Some(now) => began_then.is_empty() || now == began_then,
        // Without /proc we can't tell, and what we can't tell we leave alone.
        None => !Path::new("/proc/self/stat").exists(),
    }
}

/// When a process began, in the kernel's ticks since boot (proc(5), field 22 of `stat`).
fn began(id: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is the name in parentheses and may hold anything, so count from the last `)`.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_whose_owner_lives_stays_and_one_whose_owner_is_gone_goes() {
        let temporary = tempfile::tempdir().unwrap();
        let make = |name: &str, owner: &str| {
            let folder = temporary.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("owner"), owner).unwrap();
            folder
        };
        let ours = make("concertina-a", "");
        claim(&ours).unwrap();
        let dead = make("concertina-b", &format!("{} 1", std::process::id()));
        let foreign = make("else", "1 1");
        sweep(temporary.path());
        assert!(ours.exists() && foreign.exists());
        assert_eq!(dead.exists(), !Path::new("/proc/self/stat").exists());
    }
}
