//! `make demo`: a shop's schema changes over two releases while the application goes on writing, on a PostgreSQL of its own.
//! Fails if a single write does. It does nothing that a user could not do: every command that it runs is shown.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a story for a terminal: it writes a project into a folder, runs programs and prints"
)]

mod client;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use client::Client;
use concertina::db::throwaway::{Options, Server};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const CUSTOMERS: i64 = 100_000;
const ORDERS: i64 = 200_000;

const V1: &str = include_str!("migrations/V1__shop.sql");
const V2: &str = include_str!("migrations/V2__full_names.sql");
const V3: &str = include_str!("migrations/V3__find_customers.sql");

#[tokio::main]
async fn main() -> Outcome {
    let server = Server::start(&Options::default())?;
    server.create_database("shop")?;
    let folder = tempfile::tempdir()?;
    let mut demo = Demo {
        concertina: std::env::current_exe()?.ancestors().nth(2).ok_or("no folder")?.join("concertina"),
        folder: folder.path().to_owned(),
        url: server.url("shop"),
        names: BTreeMap::new(),
        writes: 0,
        errors: 0,
        server,
    };
    demo.story().await
}

/// The shop, its project and its database.
struct Demo {
    concertina: PathBuf,
    folder: PathBuf,
    url: String,
    names: BTreeMap<i64, String>,
    writes: u64,
    errors: usize,
    server: Server,
}

impl Demo {
    async fn story(&mut self) -> Outcome {
        self.open_the_shop()?;
        let old = self.client(1, 1);
        self.prepare_release_2()?;
        say("The deploy of release 2 first makes the new shape beside the old one, and fills it");
        self.deploy("apply --release 2 --phase expand", &[&old])?;
        self.deploy("apply --release 2 --phase migrate", &[&old])?;
        say("Now release 2 is rolled out. Old and new work side by side, on one schema");
        let new = self.client(2, 2);
        self.for_a_while(&[&old, &new]).await;
        self.both_shapes_agree()?;
        self.stop(old).await;
        say("Later comes release 3, with a migration of its own");
        self.migration("V3__find_customers.sql", V3)?;
        self.run("plan --release 3")?;
        say("Its deploy begins with contract, which takes away what only release 1 needed");
        for phase in ["contract", "expand", "migrate"] {
            self.deploy(&format!("apply --release 3 --phase {phase}"), &[&new])?;
        }
        let newest = self.client(3, 1);
        self.for_a_while(&[&new, &newest]).await;
        self.stop(new).await;
        self.stop(newest).await;
        say("This is where the database stands");
        self.run("status")?;
        self.end()
    }

    fn open_the_shop(&mut self) -> Outcome {
        self.server.run("shop", V1)?;
        let rows = format!(
            "INSERT INTO customers (name, email) SELECT 'Customer ' || n, n || '@example.org' FROM generate_series(1, {CUSTOMERS}) n;
             INSERT INTO orders (customer_id, total) SELECT 1 + n % {CUSTOMERS}, n % 100 FROM generate_series(1, {ORDERS}) n;
             ANALYZE;"
        );
        self.server.run("shop", &rows)?;
        self.server.run("postgres", "CREATE DATABASE copy TEMPLATE shop")?;
        let version = self.server.major();
        say(&format!("A shop on PostgreSQL {version}: {CUSTOMERS} customers, {ORDERS} orders. Release 1 runs, and writes all the time"));
        self.write("migrations/V1__shop.sql", V1)?;
        self.run("init --adopt 1")
    }

    fn prepare_release_2(&mut self) -> Outcome {
        say("For release 2, somebody writes this migration");
        self.migration("V2__full_names.sql", V2)?;
        self.server.run("copy", V2)?;
        let error = match self.server.run("copy", "UPDATE customers SET name = 'Ada' WHERE id = 1") {
            Ok(_) => return Err("the rename did no harm".into()),
            Err(error) => error.to_string(),
        };
        let error = error.lines().find_map(|line| line.split_once("ERROR:")).map_or("", |(_, error)| error.trim());
        println!("  Run as it is (on a copy), it breaks release 1, which knows no `full_name`:\n\n    {error}\n");
        println!("  Lint knows that beforehand:\n");
        self.findings("lint")?;
        say("So it is planned. The plan is a file, reviewed and committed like code");
        self.run("plan --release 2")
    }

    /// Starts a client of `release`, at work on every second customer from `first` on.
    fn client(&self, release: usize, first: i64) -> Client {
        Client::start(release, self.url.clone(), first, CUSTOMERS)
    }

    /// Runs a command of the deploy, and says what the clients did meanwhile.
    fn deploy(&self, arguments: &str, clients: &[&Client]) -> Outcome {
        let before: Vec<_> = clients.iter().map(|client| client.so_far()).collect();
        self.run(arguments)?;
        meanwhile(clients, &before);
        Ok(())
    }

    /// Lets the clients work.
    async fn for_a_while(&self, clients: &[&Client]) {
        let before: Vec<_> = clients.iter().map(|client| client.so_far()).collect();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        meanwhile(clients, &before);
    }

    fn both_shapes_agree(&self) -> Outcome {
        let differ = self.server.run("shop", "SELECT count(*) FROM customers WHERE name IS DISTINCT FROM full_name")?;
        if differ.trim() != "0" {
            return Err(format!("{} customers have two names", differ.trim()).into());
        }
        println!("  Every customer has the same name in both shapes, whoever wrote it.");
        Ok(())
    }

    async fn stop(&mut self, client: Client) {
        let release = client.release;
        let tally = client.stop().await;
        let (writes, slowest) = (tally.writes, tally.slowest.as_millis());
        println!("  Release {release} stops: {writes} writes, {} errors, the slowest write took {slowest} ms.", tally.errors.len());
        for error in tally.errors.iter().take(3) {
            println!("    {error}");
        }
        self.writes += tally.writes;
        self.errors += tally.errors.len();
        self.names.extend(tally.names);
    }

    /// Compares what is there with what the clients remember.
    fn end(&self) -> Outcome {
        let rows = self.server.run("shop", "SELECT id, full_name FROM customers")?;
        let found: BTreeMap<i64, &str> =
            rows.lines().filter_map(|row| row.split_once('|')).filter_map(|(id, name)| Some((id.parse().ok()?, name))).collect();
        let lost = self.names.iter().filter(|(id, name)| found.get(id) != Some(&name.as_str())).count();
        say("The end");
        println!("  {} writes by three releases during two deploys: {} errors, {lost} lost.", self.writes, self.errors);
        if self.errors + lost > 0 { Err("the demo's promise is broken".into()) } else { Ok(()) }
    }

    /// Shows a migration and adds it to the project.
    fn migration(&self, name: &str, sql: &str) -> Outcome {
        self.write(&format!("migrations/{name}"), sql)?;
        println!("  {}", dim(&format!("-- migrations/{name}")));
        println!("{}", indent(sql));
        Ok(())
    }

    fn write(&self, path: &str, text: &str) -> Outcome {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
        Ok(fs::write(path, text)?)
    }

    /// Runs the program and shows what it says. It must end well.
    fn run(&self, arguments: &str) -> Outcome {
        self.concertina(arguments, 0)
    }

    /// The same for a command that must find something.
    fn findings(&self, arguments: &str) -> Outcome {
        self.concertina(arguments, 1)
    }

    fn concertina(&self, arguments: &str, expected: i32) -> Outcome {
        println!("  {}", bold(&format!("$ concertina {arguments}")));
        let mut command = Command::new(&self.concertina);
        command.args(["--color", if colour() { "always" } else { "never" }]).args(arguments.split(' '));
        let output = command.current_dir(&self.folder).env("DATABASE_URL", &self.url).output()?;
        println!("{}{}", indent(&String::from_utf8(output.stdout)?), indent(&String::from_utf8(output.stderr)?));
        if output.status.code() == Some(expected) { Ok(()) } else { Err(format!("`concertina {arguments}`: {}", output.status).into()) }
    }
}

fn say(text: &str) {
    println!("\n{}\n", bold(&format!("▶ {text}.")));
}

fn meanwhile(clients: &[&Client], before: &[(u64, u64)]) {
    for (client, before) in clients.iter().zip(before) {
        let now = client.so_far();
        println!("  {}", dim(&format!("Meanwhile release {}: {} writes, {} errors.", client.release, now.0 - before.0, now.1 - before.1)));
    }
    println!();
}

fn indent(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") }).collect()
}

fn colour() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn bold(text: &str) -> String {
    if colour() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

fn dim(text: &str) -> String {
    if colour() { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
}
