//! Input that is wrong: each kind has its exit code and a message that says what is now true and what to do, and leaves
//! nothing half-written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::project::{Project, Run};
use crate::support::{Database, server};

const TABLE: (&str, &str) = ("migrations/1_a.sql", "CREATE TABLE a (id bigint PRIMARY KEY);\n");

#[test]
fn wrong_arguments_exit_with_2() {
    let project = Project::new(&[TABLE]);
    for (arguments, texts) in [
        ("plan", &["--release"][..]),
        ("plan --release ../1", &["a release is named by letters, digits"]),
        ("apply --release 1", &["--phase"]),
        ("apply --release 1 --phase contractt", &["contract"]),
        ("frobnicate", &["frobnicate"]),
        ("lint --frobnicate", &["--frobnicate"]),
    ] {
        project.run(arguments).failed_with(2, texts);
    }
}

#[test]
fn a_wrong_configuration_is_told_with_its_place() {
    let project = Project::new(&[TABLE, ("concertina.toml", "version = 15\nmigration = 'x'\n")]);
    project.run("schema").failed_with(2, &["concertina.toml:2:1: unknown field `migration`"]);
}

#[test]
fn a_missing_configuration_is_told_with_the_command_that_writes_one() {
    let project = without_configuration();
    project.run("schema").failed_with(2, &["there is no concertina.toml in ", "`concertina init` writes one"]);
    project.run("schema --config x.toml").failed_with(2, &["can't read x.toml: No such file"]);
}

#[test]
fn the_configuration_is_found_from_a_folder_below() {
    let project = Project::new(&[TABLE, ("src/deep/x", ""), ("concertina.toml", "engine = 'x'\n")]);
    let run = Run::of(project.command("schema").current_dir(project.path("src/deep")));
    run.failed_with(2, &["/concertina.toml:1:10: unknown variant `x`, expected `postgresql`"]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let project = Project::new(&[]);
    project.run("schema").failed_with(2, &["can't read migrations: No such file or directory"]);
    project.run("schema db/x").failed_with(2, &["can't read db/x: No such file or directory"]);
}

#[test]
fn an_unreadable_folder_is_named() {
    let project = Project::new(&[TABLE]);
    for path in ["", "concertina.toml"] {
        fs::set_permissions(project.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(project.path("migrations"), fs::Permissions::from_mode(0o000)).unwrap();
    let run = run_as_ordinary_user(&project, "schema");
    fs::set_permissions(project.path("migrations"), fs::Permissions::from_mode(0o755)).unwrap();
    run.failed_with(2, &["can't read migrations: Permission denied"]);
}

/// For root every folder is readable; it becomes somebody else, for whom a copy of the program lies in the project.
fn run_as_ordinary_user(project: &Project, arguments: &str) -> Run {
    let id = Command::new("id").arg("-u").output().unwrap().stdout;
    if id != b"0\n" {
        return project.run(arguments);
    }
    fs::copy(env!("CARGO_BIN_EXE_concertina"), project.path("program")).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "./program"]).args(arguments.split(' '));
    Run::of(command.current_dir(project.folder()))
}

#[test]
fn a_file_that_is_not_utf8_is_named_with_the_byte() {
    let project = Project::new(&[]);
    project.write("migrations/1_a.sql", b"-- ok\n-- caf\xe9\n");
    project.run("schema").failed_with(2, &["1_a.sql is not UTF-8: line 2, column 7 (byte 12) is 0xe9; save the file as UTF-8"]);
}

#[test]
fn two_migrations_with_one_version_are_both_named() {
    let project = Project::new(&[("migrations/V1__a.sql", ""), ("migrations/V01__b.sql", "")]);
    project.run("schema").failed_with(2, &["V01__b.sql and V1__a.sql have the same version, `1`"]);
}

#[test]
fn sections_in_the_wrong_place_are_named() {
    let project = Project::new(&[("migrations/1_a.sql", "-- +goose Down\n-- +goose Up\n")]);
    project.run("schema").failed_with(2, &["1_a.sql:2: `-- +goose Up` stands in the wrong place"]);
}

#[test]
fn a_statement_that_can_not_be_read_is_shown_and_those_around_it_count() {
    let project = Project::new(&[("migrations/1_a.sql", "CREATE TABLE a (id int);\nCREATE TABEL b ();\nDROP TABLE c;\n")]);
    let run = project.run("schema");
    run.failed_with(2, &["syntax error at or near \"TABEL\"", "migrations/1_a.sql:2:8", "there is no table `c`", "migrations/1_a.sql:3:"]);
    assert!(run.out.contains("CREATE TABLE public.a ("), "{run:#?}");
}

#[test]
fn an_unknown_directive_is_an_error_with_its_place() {
    let project = Project::new(&[("migrations/1_a.sql", "CREATE TABLE a (id int);\n-- concertina: frobnicate\nDROP TABLE a;\n")]);
    project.run("schema").failed_with(2, &["frobnicate", "migrations/1_a.sql:2:"]);
}

#[test]
fn init_does_not_overwrite() {
    let project = Project::new(&[("concertina.toml", "# mine\n")]);
    project.run("init").failed_with(2, &["concertina.toml is there already; nothing was changed"]);
    assert_eq!(project.read("concertina.toml"), "# mine\n");
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let project = without_configuration();
    run_on_a_full_disk(&project, "init").failed_with(2, &["can't write concertina.toml: ", "nothing was changed"]);
    assert_eq!(fs::read_dir(project.folder()).unwrap().count(), 1);
}

#[test]
fn a_full_disk_leaves_the_plan_that_was_there() {
    let project = planned();
    let before = project.read("plans/2.json");
    project.write("migrations/3_c.sql", "CREATE TABLE c ();\n");
    run_on_a_full_disk(&project, "plan --release 2").failed_with(2, &["can't write plans/2.json: ", "nothing was changed"]);
    assert_eq!(project.read("plans/2.json"), before);
    let mut names: Vec<_> = fs::read_dir(project.path("plans")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["1.json", "2.json"]);
}

/// A project with an adopted release 1 and a planned release 2.
fn planned() -> Project {
    let project = Project::new(&[TABLE]);
    project.run("init --adopt 1").ended_well();
    project.write("migrations/2_b.sql", "CREATE TABLE b (id bigint PRIMARY KEY);\n");
    project.run("plan --release 2").ended_well();
    project
}

#[test]
fn a_planned_migration_that_was_edited_is_named_with_what_to_do() {
    let project = planned();
    project.write("migrations/1_a.sql", "CREATE TABLE a (id int PRIMARY KEY);\n");
    for command in ["plan --release 3", "plan --release 2", "plan --release 2 --check"] {
        project.run(command).failed_with(2, &["1_a.sql", "release 1"]);
    }
    assert!(!project.path("plans/3.json").exists());
}

#[test]
fn a_planned_migration_that_was_deleted_is_named_with_what_to_do() {
    let project = planned();
    fs::remove_file(project.path("migrations/1_a.sql")).unwrap();
    project.run("plan --release 3").failed_with(2, &["1_a.sql", "release 1"]);
}

#[test]
fn a_plan_that_was_edited_breaks_the_chain() {
    let project = planned();
    let edited = project.read("plans/1.json").replace("\"engine_version\": 15", "\"engine_version\": 16");
    project.write("plans/1.json", edited);
    project.run("plan --release 3").failed_with(2, &["`2.json` was made after another version of the plan of release 1"]);
}

#[test]
fn a_plan_file_that_is_none_is_named() {
    let project = planned();
    project.write("plans/x.json", "{}");
    project.run("plan --release 3").failed_with(2, &["x.json"]);
}

#[test]
fn a_committed_plan_that_the_migrations_do_not_give_is_shown_with_the_difference() {
    let project = planned();
    project.run("plan --release 2 --check").ended_well();
    project.write("migrations/2_b.sql", "CREATE TABLE b (id int PRIMARY KEY);\n");
    let run = project.run("plan --release 2 --check");
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.out.contains("bigint") && run.out.lines().any(|line| line.starts_with('+')), "{run:#?}");
    project.run("plan --release 2").ended_well();
    project.run("plan --release 2 --check").ended_well();
}

#[test]
fn a_wrong_password_is_told_and_never_shown() {
    let project = planned();
    let database = Database::fresh();
    let right = server().tcp_url(&database.name);
    let (before, rest) = right.split_once("://").unwrap();
    let (user, rest) = rest.split_once('@').map(|(user, rest)| (user.split(':').next().unwrap(), rest)).unwrap();
    for command in ["status", "apply --release 2 --phase expand", "rollback --release 2", "schema --from-database"] {
        let run = project.run_on(&format!("{before}://{user}:s3cret@{rest}"), command);
        run.failed_with(2, &["did not let user `postgres` in", "password"]);
        assert!(!format!("{run:?}").contains("s3cret"), "{run:#?}");
    }
}

#[test]
fn a_database_that_nobody_names_is_told_with_the_variable() {
    planned().run("status").failed_with(2, &["DATABASE_URL"]);
}

#[test]
fn what_is_refused_is_told_with_what_to_write() {
    let project = planned();
    project.write("migrations/3_c.sql", "ALTER TABLE a ADD COLUMN b text NOT NULL;\n");
    let run = project.run("plan --release 3");
    assert_eq!(run.code, 2, "{run:#?}");
    assert!(format!("{}{}", run.out, run.err).contains("-- concertina: up a.b = "), "{run:#?}");
    assert!(!project.path("plans/3.json").exists());
}

/// No file may grow, which the program is told by the same means as of a full disk: a write that fails.
fn run_on_a_full_disk(project: &Project, arguments: &str) -> Run {
    let mut command = Command::new("bash");
    let script = format!("trap '' XFSZ; ulimit -f 0; exec {} {arguments}", env!("CARGO_BIN_EXE_concertina"));
    Run::of(command.args(["-c", &script]).current_dir(project.folder()))
}

#[test]
fn output_that_nobody_reads_is_no_error() {
    let project = without_configuration();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let run = Run::of(project.command("init").stdout(writer));
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert!(project.path("concertina.toml").exists());
}

#[test]
fn output_that_can_not_be_written_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = Run::of(without_configuration().command("init").stdout(full));
    run.failed_with(2, &["standard output can't be written: No space left on device"]);
}

fn without_configuration() -> Project {
    let project = Project::new(&[TABLE]);
    fs::remove_file(project.path("concertina.toml")).unwrap();
    project
}
