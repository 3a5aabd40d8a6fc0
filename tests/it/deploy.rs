//! A small deploy with plans made by hand, one step of each kind: what the tests of the executor run, kill and take back.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use concertina::plan::{
    Backfill, Gate, Hazard, KeyColumn, Leftover, Milliseconds, Phase, Plan, Predecessor, Probe, Release, Start, StartColumn, Step, StepId,
    SyncTriggers, Transaction, Undo, digest,
};

use crate::project::{Project, Run};
use crate::support::{Database, server};

/// The rows of the table that the deploy is about.
pub(crate) const ROWS: u32 = 1_000;

/// A project with the plans of releases 1 to 3, and a database in which release 1 runs.
pub(crate) struct Deploy {
    pub(crate) project: Project,
    pub(crate) database: Database,
}

impl Deploy {
    /// Release 1 was adopted, releases 2 and 3 are planned.
    pub(crate) fn new() -> Self {
        Self::of(&[adopted(), release_2(), release_3()])
    }

    /// With these plans, each the successor of the one before.
    pub(crate) fn of(plans: &[Plan]) -> Self {
        let project = Project::new(&[("concertina.toml", "[policies]\nlock-budget = \"50ms\"\n")]);
        let mut before: Option<Predecessor> = None;
        for plan in plans {
            let plan = Plan { predecessor: before.take(), ..plan.clone() };
            let text = plan.to_text();
            project.write(&format!("plans/{}.json", plan.release), &text);
            before = Some(Predecessor { release: plan.release, digest: digest(text.as_bytes()) });
        }
        let database = Database::fresh();
        database.run(&format!(
            "CREATE TABLE t (id bigint PRIMARY KEY, a int NOT NULL); INSERT INTO t SELECT n * 3, n FROM generate_series(1, {ROWS}) n"
        ));
        Self { project, database }
    }

    /// Runs the program on the database.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        self.project.run_on(&self.database.url(), arguments)
    }

    /// The same, killed where the failpoint says.
    pub(crate) fn run_until(&self, point: &str, arguments: &str) -> Run {
        Run::of(self.command(arguments).env("CONCERTINA_STOP_AT", point))
    }

    /// The program on the database, ready to be started.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = self.project.command(arguments);
        command.env("DATABASE_URL", self.database.url());
        command
    }

    /// The program at work.
    pub(crate) fn start(&self, arguments: &str) -> Running {
        let child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running(Some(child))
    }

    /// The program, which falls asleep where the failpoint says; asleep when this returns.
    pub(crate) fn sleeper(&self, point: &str, arguments: &str) -> Running {
        let mut command = self.command(arguments);
        command.env("CONCERTINA_SLEEP_AT", point).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running(Some(command.spawn().unwrap()));
        let deadline = Instant::now() + Duration::from_mins(2);
        while !running.is_asleep() {
            assert!(!running.has_ended() && Instant::now() < deadline, "it does not come to {point}");
        }
        running
    }

    /// Runs a phase of a release, which must end well.
    #[track_caller]
    pub(crate) fn apply(&self, release: u32, phase: Phase) {
        self.run(&format!("apply --release {release} --phase {phase}")).ended_well();
    }

    /// Runs all phases of a release.
    #[track_caller]
    pub(crate) fn apply_all(&self, release: u32) {
        for phase in Phase::IN_ORDER {
            self.apply(release, phase);
        }
    }

    /// The schema and the rows.
    pub(crate) fn everything(&self) -> String {
        format!("{}\n{}", self.database.dump(), self.database.run("SELECT * FROM t ORDER BY id"))
    }

    /// Waits until a query gives this.
    #[track_caller]
    pub(crate) fn wait_until(&self, sql: &str, expected: &str) {
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            let found = self.database.run(sql);
            if found == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{sql} gives {found}, not {expected}");
        }
    }
}

/// The program at work; killed when dropped.
pub(crate) struct Running(Option<Child>);

impl Running {
    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    /// Sends it a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status().unwrap().success());
    }

    /// Whether it is stopped by a signal.
    fn is_asleep(&self) -> bool {
        let state = Command::new("ps").args(["-o", "state=", "-p", &self.id().to_string()]).output().unwrap();
        state.stdout.starts_with(b"T")
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Run {
        Run::from_output(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A session of another application, with an open transaction in which it has run a statement.
pub(crate) struct Session(Child);

impl Session {
    /// Begins it; the statement has run when this returns.
    pub(crate) fn begin(database: &Database, application: &str, sql: &str) -> Self {
        let mut psql = server().psql(&database.name);
        psql.env("PGAPPNAME", application).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = psql.spawn().unwrap();
        let text = format!("BEGIN;\n{sql};\nSELECT 1;\n");
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), text.as_bytes()).unwrap();
        let state = format!("SELECT state, query FROM pg_stat_activity WHERE application_name = '{application}'");
        let deadline = Instant::now() + Duration::from_mins(1);
        while database.run(&state) != "idle in transaction|SELECT 1;" {
            assert!(Instant::now() < deadline, "the session did not begin");
        }
        Self(child)
    }

    /// Ends its transaction, and it.
    pub(crate) fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn release(name: &str) -> Release {
    Release(name.to_owned())
}

fn plan(name: &str, steps: Vec<Step>, deferred: Vec<Step>) -> Plan {
    Plan {
        format: "concertina.plan/1".to_owned(),
        release: release(name),
        engine: "postgresql".to_owned(),
        engine_version: 15,
        predecessor: None,
        adopted: false,
        migrations: Vec::new(),
        views_schema: None,
        ends_holds: Vec::new(),
        starts_from: Start::default(),
        steps,
        deferred,
    }
}

/// The columns that must be found in the table.
pub(crate) fn start(columns: &[(&str, &str)]) -> Start {
    let column = |(name, data_type): &(&str, &str)| StartColumn { name: (*name).to_owned(), data_type: (*data_type).to_owned() };
    Start { digest: String::new(), tables: [("public.t".to_owned(), columns.iter().map(column).collect())].into() }
}

/// What another tool has applied.
pub(crate) fn adopted() -> Plan {
    Plan { adopted: true, ..plan("1", Vec::new(), Vec::new()) }
}

/// A new column and an index, filled by a backfill; the column becomes NOT NULL in the deploy after.
pub(crate) fn release_2() -> Plan {
    let plan = plan("2", vec![add_column(), create_index(), fill()], vec![not_null()]);
    Plan { starts_from: start(&[("id", "bigint"), ("a", "integer")]), ..plan }
}

/// The contract of release 2, and a column more.
pub(crate) fn release_3() -> Plan {
    let add = own("3/expand/t.c/add-column", Phase::Expand, "ALTER TABLE t ADD COLUMN c text", "ALTER TABLE t DROP COLUMN c");
    let add = Step { introduced_by: release("3"), ..add };
    let plan = plan("3", vec![not_null(), add], Vec::new());
    Plan { starts_from: start(&[("id", "bigint"), ("a", "integer"), ("b", "text")]), ..plan }
}

/// A step in a transaction of its own.
pub(crate) fn own(id: &str, phase: Phase, sql: &str, undo: &str) -> Step {
    Step {
        id: StepId(id.to_owned()),
        phase,
        introduced_by: release("2"),
        due_after: None,
        about: "a step of a test".to_owned(),
        why: String::new(),
        origin: Vec::new(),
        sql: vec![sql.to_owned()],
        transaction: Transaction::Own,
        backfill: None,
        locks: Vec::new(),
        lock_wait: Milliseconds(100),
        statement_time: Milliseconds(0),
        needs: Vec::new(),
        probe: Probe { done: "SELECT false".to_owned(), leftover: None },
        undo: Undo::Sql { sql: vec![undo.to_owned()], transaction: Transaction::Own },
        gates: Vec::new(),
        hazards: Vec::<Hazard>::new(),
    }
}

pub(crate) fn add_column() -> Step {
    own("2/expand/t.b/add-column", Phase::Expand, "ALTER TABLE t ADD COLUMN b text", "ALTER TABLE t DROP COLUMN b")
}

pub(crate) fn create_index() -> Step {
    let index = |valid: &str| {
        format!(
            "SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 't_a_idx' AND {valid} i.indisvalid)"
        )
    };
    let clear = "DROP INDEX CONCURRENTLY t_a_idx".to_owned();
    Step {
        transaction: Transaction::None,
        lock_wait: Milliseconds(0),
        needs: vec![add_column().id],
        probe: Probe { done: index(""), leftover: Some(Leftover { found: index("NOT"), clear: clear.clone() }) },
        undo: Undo::Sql { sql: vec![clear], transaction: Transaction::None },
        ..own("2/expand/t_a_idx/create-index", Phase::Expand, "CREATE INDEX CONCURRENTLY t_a_idx ON t (a)", "")
    }
}

pub(crate) fn fill() -> Step {
    let set = "UPDATE public.t SET b = a::text WHERE b IS NULL AND";
    let end = |after: &str, limit: &str| {
        format!("SELECT id::text FROM (SELECT id FROM public.t {after} ORDER BY id LIMIT {limit}) c ORDER BY id DESC LIMIT 1")
    };
    let backfill = Backfill {
        table: "public.t".to_owned(),
        key: vec![KeyColumn { name: "id".to_owned(), data_type: "bigint".to_owned() }],
        chunk_end: end("WHERE id > $1::text::bigint", "$2::bigint"),
        first_chunk_end: end("", "$1::bigint"),
        chunk: format!("{set} id > $1::text::bigint AND id <= $2::text::bigint"),
        first_chunk: format!("{set} id <= $1::text::bigint"),
        remaining: "SELECT count(*) FROM public.t WHERE b IS NULL".to_owned(),
        sync: SyncTriggers::StandAside,
    };
    Step {
        transaction: Transaction::Chunked,
        sql: Vec::new(),
        backfill: Some(backfill),
        undo: Undo::Needless,
        ..own("2/migrate/t.b/fill", Phase::Migrate, "", "")
    }
}

pub(crate) fn not_null() -> Step {
    let counts = "rows of t without b".to_owned();
    Step {
        gates: vec![Gate::Zero { counts, sql: "SELECT count(*) FROM public.t WHERE b IS NULL".to_owned() }],
        due_after: Some(1),
        ..own("2/contract/t.b/set-not-null", Phase::Contract, "ALTER TABLE t ALTER b SET NOT NULL", "ALTER TABLE t ALTER b DROP NOT NULL")
    }
}
