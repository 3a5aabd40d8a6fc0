//! The throwaway server: it serves, and it does not outlive its owner.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use concertina::db::throwaway::{Options, Server};

use crate::support::{Database, server};

#[test]
fn it_serves_by_socket_and_by_tcp() {
    let database = Database::fresh();
    assert_eq!(database.run("SELECT current_user, current_database()"), format!("postgres|{}", database.name));
    let by_tcp = server().program("psql").args(["-X", "-At", "-c", "SELECT 1", "-d", &server().tcp_url(&database.name)]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&by_tcp.stdout), "1\n", "{}", String::from_utf8_lossy(&by_tcp.stderr));
}

#[test]
fn a_dropped_server_is_stopped_and_its_folder_removed() {
    let server = Server::start(&Options::default()).unwrap();
    let (folder, process) = (server.folder().to_owned(), process_of(&server));
    assert!(is_alive(&process));
    drop(server);
    wait_until_gone(&folder, &process);
}

/// Set for the copy of this test that starts a server and dies without a chance to clear up.
const OWNER: &str = "CONCERTINA_TEST_OWNER";

#[test]
fn an_owner_that_is_killed_takes_its_server_along() {
    if std::env::var_os(OWNER).is_some() {
        let server = Server::start(&Options::default()).unwrap();
        println!("owner {} {}", server.folder().display(), process_of(&server));
        std::process::abort();
    }
    let mut owner = Command::new(std::env::current_exe().unwrap());
    owner.args(["--exact", "throwaway::an_owner_that_is_killed_takes_its_server_along", "--nocapture"]).env(OWNER, "yes");
    let output = String::from_utf8(owner.output().unwrap().stdout).unwrap();
    let said = output.split_once("owner ").unwrap().1.lines().next().unwrap();
    let (folder, process) = said.split_once(' ').unwrap();
    wait_until_gone(Path::new(folder), process);
}

fn process_of(server: &Server) -> String {
    let state = std::fs::read_to_string(server.folder().join("data/postmaster.pid")).unwrap();
    state.lines().next().unwrap().to_owned()
}

fn wait_until_gone(folder: &Path, process: &str) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while is_alive(process) || folder.exists() {
        assert!(Instant::now() < deadline, "the server still runs");
        std::thread::yield_now();
    }
}

fn is_alive(process: &str) -> bool {
    Command::new("kill").args(["-0", process]).stderr(Stdio::null()).status().unwrap().success()
}
