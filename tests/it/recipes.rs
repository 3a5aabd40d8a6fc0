//! The whole life of every recipe on a real server: expand, migrate and contract while old and new clients write all the
//! time, and the way back. A story is a folder of `fixtures/recipes`.

use std::path::PathBuf;

use serde::Deserialize;

use crate::clients::{Client, Side};
use crate::project::Project;
use crate::support::Database;

/// What the clients of a story do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clients {
    pub(crate) old: Side,
    pub(crate) new: Side,
    end: End,
}

/// What must hold after contract, and after going back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    /// What is read of every row that a client wrote.
    reads: String,
    /// What it must give for rows of old clients.
    of_old: String,
    /// What it must give for rows of new clients.
    of_new: String,
    /// Columns whose values differ from run to run.
    #[serde(default)]
    ignore: Vec<String>,
    /// Whether going back gives back the rows as they were (a data change doesn't).
    #[serde(default = "yes")]
    rolls_back_rows: bool,
    /// Whether it gives back the schema.
    #[serde(default = "yes")]
    rolls_back_schema: bool,
    /// Whether going back is possible after new clients have written.
    #[serde(default = "yes")]
    rollback_after_new: bool,
}

fn yes() -> bool {
    true
}

/// A story, as its folder tells it.
pub(crate) struct Story {
    base: String,
    change: String,
    pub(crate) clients: Clients,
}

/// The story of that name.
pub(crate) fn story(name: &str) -> Story {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/recipes").join(name);
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    Story { base: read("base.sql"), change: read("change.sql"), clients: toml::from_str(&read("clients.toml")).unwrap() }
}

/// A project whose first release is adopted and whose second is planned, on a database at the first.
pub(crate) fn begin(story: &Story) -> (Database, Project) {
    let database = Database::fresh();
    database.run(&story.base);
    let project = Project::new(&[("migrations/1_base.sql", story.base.as_str()), ("migrations/2_change.sql", story.change.as_str())]);
    project.run("init --adopt 1 --through 1_base.sql").ended_well();
    project.run("plan --release 2").ended_well();
    (database, project)
}

/// Runs the program on the story's database; it must end well.
pub(crate) fn run(project: &Project, database: &Database, arguments: &str) {
    project.run_on(&database.url(), arguments).ended_well();
}

/// Moves all that the ledger tells three days back: what is held has been held long enough.
pub(crate) fn let_days_pass(database: &Database) {
    database.run("UPDATE concertina.step SET started = started - interval '3 days', ended = ended - interval '3 days'");
}

/// Old and new clients write through the whole life; the end is what the migrations as written give.
fn lives(name: &str) {
    let story = story(name);
    let written = Database::fresh();
    written.run(&story.base);
    let (database, project) = begin(&story);
    written.run(&story.change);
    project.run("plan --release 3").ended_well();

    let old = Client::start(&database.url(), &story.clients.old, 1_000_000);
    old.writes(5);
    run(&project, &database, "apply --release 2 --phase expand");
    old.writes(5);
    run(&project, &database, "apply --release 2 --phase migrate");
    let new = Client::start(&database.url(), &story.clients.new, 1_000_001);
    old.writes(20);
    new.writes(20);
    let by_old = old.stop();
    new.sees(&by_old, story.clients.new.sees_old.as_deref());
    run(&project, &database, "apply --release 3 --phase contract");
    new.writes(10);
    // What is held is dropped in its turn.
    let_days_pass(&database);
    run(&project, &database, "apply --release 3 --phase contract");
    new.writes(10);
    let by_new = new.stop();

    let end = &story.clients.end;
    for (ids, expected) in [(&by_old, &end.of_old), (&by_new, &end.of_new)] {
        // A client writes thousands of rows, and a session for each would take longer than all the rest.
        for some in ids.chunks(500) {
            let all = some.iter().map(|id| end.reads.replace(":id", &id.to_string())).collect::<Vec<_>>().join(";\n");
            let found = database.run(&format!("{all};\nSELECT 'end'"));
            let found: Vec<&str> = found.lines().collect();
            assert_eq!(found.len(), some.len() + 1, "a row is missing among {some:?}");
            for (id, found) in some.iter().zip(found) {
                assert_eq!(found, expected.replace(":id", &id.to_string()), "row {id}");
            }
        }
    }
    assert_eq!(shape(&database.dump()), shape(&written.dump()), "the schema at the end is not the one of the migrations as written");
    assert_eq!(rows(&database, &end.ignore), rows(&written, &end.ignore), "the rows that were there differ");
}

/// Before contract the way back leads to the start.
fn goes_back(name: &str) {
    let story = story(name);
    let (database, project) = begin(&story);
    let (schema, before) = (database.dump(), rows(&database, &[]));
    let old = Client::start(&database.url(), &story.clients.old, 1_000_000);
    run(&project, &database, "apply --release 2 --phase expand");
    run(&project, &database, "apply --release 2 --phase migrate");
    if story.clients.end.rollback_after_new {
        let new = Client::start(&database.url(), &story.clients.new, 1_000_001);
        new.writes(5);
        let by_new = new.stop();
        old.writes(5);
        old.sees(&by_new, story.clients.old.sees_new.as_deref());
    }
    if story.clients.end.rolls_back_schema {
        let accept = if story.clients.end.rolls_back_rows { "" } else { " --accept-loss" };
        run(&project, &database, &format!("rollback --release 2{accept}"));
        old.writes(5);
        old.stop();
        assert_eq!(database.dump(), schema, "the schema is not the one of the start");
    } else {
        old.stop();
    }
    if story.clients.end.rolls_back_rows {
        assert_eq!(rows(&database, &[]), before, "the rows that were there differ");
    }
}

/// What one release renames, the next renames again, and the one after that drops: each contract comes before what follows.
#[test]
fn renames_follow_each_other_over_releases() {
    let migrations = [
        "CREATE TABLE users (id bigint PRIMARY KEY, name text);\nCREATE TABLE teams (id bigint PRIMARY KEY, boss bigint REFERENCES users);\n",
        "ALTER TABLE users RENAME COLUMN id TO key;\nALTER TABLE teams RENAME TO groups;\n",
        "ALTER TABLE users RENAME COLUMN key TO number;\nALTER TABLE groups RENAME TO circles;\nALTER TABLE circles ADD COLUMN title text;\n",
        "ALTER TABLE users RENAME TO people;\nDROP TABLE circles;\n",
        "ALTER TABLE people RENAME COLUMN number TO id;\n",
    ];
    let (database, written) = (Database::fresh(), Database::fresh());
    database.run(migrations[0]);
    let project = Project::new(&[("migrations/1.sql", migrations[0])]);
    project.run("init --adopt 1 --through 1.sql").ended_well();
    written.run(migrations[0]);
    for release in 2..=6 {
        if let Some(migration) = migrations.get(release - 1) {
            project.write(&format!("migrations/{release}.sql"), migration);
            written.run(migration);
        }
        project.run(&format!("plan --release {release}")).ended_well();
        for phase in ["contract", "expand", "migrate"] {
            run(&project, &database, &format!("apply --release {release} --phase {phase}"));
        }
    }
    let_days_pass(&database);
    run(&project, &database, "apply --release 6 --phase contract");
    assert_eq!(shape(&database.dump()), shape(&written.dump()));
}

/// A dump with the columns of each table in alphabetical order: a column that replaces another is the last one.
pub(crate) fn shape(dump: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut columns: Option<Vec<String>> = None;
    for line in dump.lines() {
        match &mut columns {
            Some(inside) if line.starts_with(')') => {
                inside.sort();
                lines.append(inside);
                lines.push(line.to_owned());
                columns = None;
            }
            Some(inside) => inside.push(line.trim_end_matches(',').to_owned()),
            None => {
                lines.push(line.to_owned());
                if line.starts_with("CREATE TABLE") && line.ends_with('(') {
                    columns = Some(Vec::new());
                }
            }
        }
    }
    lines.join("\n")
}

/// All rows that no client of the test inserted, by table.
fn rows(database: &Database, ignore: &[String]) -> String {
    let tables = database.run(
        "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) \
         AND relnamespace::regnamespace::text <> 'concertina' ORDER BY oid::regclass::text",
    );
    let ignore = ignore.iter().map(|column| format!(" - '{column}'")).collect::<Vec<_>>().concat();
    let of_table = |table: &str| {
        let all = database.run(&format!(
            "SELECT to_jsonb(t){ignore} FROM {table} AS t \
             WHERE coalesce((to_jsonb(t) ->> 'id')::bigint, (to_jsonb(t) ->> 'Id')::bigint, 0) < 1000000 ORDER BY 1"
        ));
        format!("{table}\n{all}\n")
    };
    tables.lines().map(of_table).collect::<Vec<_>>().concat()
}

macro_rules! stories {
    ($($name:ident,)*) => {
        /// All stories, in alphabetical order.
        pub(crate) const STORIES: &[&str] = &[$(stringify!($name)),*];

        $(mod $name {
            #[test]
            fn lives_from_expand_to_contract_while_clients_write() {
                super::lives(stringify!($name));
            }

            #[test]
            fn goes_back_to_the_start_before_contract() {
                super::goes_back(stringify!($name));
            }
        })*

        #[test]
        fn every_story_is_told() {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/recipes");
            let mut found: Vec<String> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            found.sort();
            assert_eq!(found, STORIES);
        }
    };
}

stories! {
    add_check,
    add_column_with_constant_default,
    add_column_with_stable_default,
    add_column_with_volatile_default,
    add_enum_value,
    add_fill_and_require_column,
    add_foreign_key,
    add_index,
    add_nullable_column,
    add_required_column_by_directive,
    add_sequence_column,
    add_unique,
    attach_new_partition,
    change_rows,
    change_type_after_old_clients,
    change_type_before_new_clients,
    change_type_beside,
    change_type_by_views,
    change_type_of_primary_key,
    change_type_of_the_catalog_only,
    create_and_drop_table,
    drop_column,
    drop_default_of_a_new_column,
    drop_expression,
    drop_index,
    drop_required_column,
    drop_required_column_by_directive,
    drop_table_that_others_reference,
    enum_swap_by_way_of_text,
    enum_swap_that_adds,
    enum_swap_that_removes,
    merge_columns,
    rename_and_change_rows,
    rename_column,
    rename_column_compared_by_identity,
    rename_column_that_a_trigger_reads,
    rename_column_that_others_read,
    rename_columns_by_views,
    rename_columns_through_a_view,
    rename_enum_value,
    rename_foreign_key_column,
    rename_index_constraint_sequence_and_view,
    rename_key_column,
    rename_partition_key,
    rename_quoted_column,
    rename_table,
    rename_table_with_columns,
    repair_and_tighten,
    replace_check,
    replace_foreign_key,
    replace_index,
    replace_primary_key,
    replace_trigger_and_function,
    replace_unique,
    replace_view,
    rights_and_rules,
    serial_to_identity,
    set_not_null,
    set_schema,
    split_column,
    steps_that_undo_each_other,
}
