//! The engine's facts against what was measured on running servers of PostgreSQL 12 to 18 (`fixtures/engine`). Every case in
//! which they differ, or that can't be read, is listed with its reason; a list that is no longer true fails too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use concertina::engine::{self, Effects, Engine, LockMode, Transactional, Work};
use concertina::schema::change::IfExists;
use concertina::schema::{Catalog, Change, Name};
use concertina::sql::postgres;
use serde::Deserialize;

/// The first line of the file: what stands for long, often repeated setups.
#[derive(Deserialize)]
struct Setups {
    setups: BTreeMap<String, String>,
}

/// A statement, and what it was seen to do.
#[derive(Deserialize)]
struct Case {
    id: String,
    setup: Vec<String>,
    ddl: Vec<String>,
    facts: Vec<Fact>,
}

/// What was measured on a range of versions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact {
    versions: (u32, u32),
    locks: BTreeMap<String, LockMode>,
    #[serde(default)]
    outside_transaction: bool,
    #[serde(default)]
    rewrites: BTreeSet<String>,
    #[serde(default)]
    scans: BTreeSet<String>,
    #[serde(default)]
    rebuilds: BTreeSet<String>,
    #[serde(default)]
    builds: BTreeSet<String>,
    /// Tables with changed rows: kept for the reader.
    #[serde(default, rename = "writes")]
    _writes: BTreeSet<String>,
}

/// Cases that are known to differ, by reason.
#[derive(Deserialize)]
struct Known {
    because: Vec<Because>,
}

#[derive(Deserialize)]
struct Because {
    reason: String,
    cases: Vec<String>,
}

/// Effects, in the words of the measurements.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    locks: BTreeMap<String, LockMode>,
    outside_transaction: bool,
    rewrites: BTreeSet<String>,
    scans: BTreeSet<String>,
    rebuilds: BTreeSet<String>,
    builds_on: BTreeSet<String>,
}

fn fixture(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/engine").join(name)).unwrap()
}

fn cases() -> Vec<Case> {
    let text = fixture("facts.jsonl");
    let mut lines = text.lines();
    let Setups { setups } = serde_json::from_str(lines.next().unwrap()).unwrap();
    let mut cases: Vec<Case> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    for case in &mut cases {
        for step in &mut case.setup {
            if let Some(long) = setups.get(step) {
                step.clone_from(long);
            }
        }
    }
    cases
}

/// The changes of `text`, each handed to `each` with the schema before it.
fn fold(text: &str, catalog: &mut Catalog, mut each: impl FnMut(&Change, &Catalog)) -> Result<(), String> {
    let script = postgres::parse(text);
    if let Some(error) = script.errors.first() {
        return Err(format!("syntax error: {}", error.message));
    }
    for lowered in script.statements.into_iter().flat_map(|statement| statement.changes) {
        let change = catalog.resolve(lowered.change);
        each(&change, catalog);
        match catalog.apply(&change) {
            Err(error) if lowered.if_exists == IfExists::Fail => return Err(error.to_string()),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn name(text: &str) -> Name {
    match text.split_once('.') {
        Some((schema, name)) => Name::new(schema, name),
        None => Name::new("public", text),
    }
}

/// Locks weaker than this stop neither readers nor writers nor other DDL.
const NOTICED: LockMode = LockMode::ShareUpdateExclusive;

/// What is comparable in the measurements: relations that were there before, and locks that somebody notices. A lock on an
/// index counts only where its table is not locked as strongly.
fn measured(fact: &Fact, before: &Catalog, after: &Catalog) -> Seen {
    let there = |relation: &&String| before.tables.contains_key(&name(relation)) || before.views.contains_key(&name(relation));
    let exists = |relation: &String| there(&relation) || before.sequences.contains_key(&name(relation));
    let table_of_index = |index: &str| {
        let plain = name(index.trim_end_matches("_ccnew"));
        before.indexes.get(&plain).or_else(|| after.indexes.get(&plain)).map(|index| index.table.to_string())
    };
    let counts = |relation: &String, mode: LockMode| {
        let on_index = before.indexes.get(&name(relation)).is_some_and(|index| fact.locks.get(&index.table.to_string()) < Some(&mode));
        mode >= NOTICED && (exists(relation) || on_index)
    };
    Seen {
        locks: fact
            .locks
            .iter()
            .filter(|(relation, mode)| counts(relation, **mode))
            .map(|(relation, mode)| (relation.clone(), *mode))
            .collect(),
        outside_transaction: fact.outside_transaction,
        rewrites: fact.rewrites.iter().filter(there).cloned().collect(),
        scans: fact.scans.iter().filter(there).cloned().collect(),
        rebuilds: fact.rebuilds.clone(),
        builds_on: fact.builds.iter().filter_map(|index| table_of_index(index)).filter(|table| there(&table)).collect(),
    }
}

/// The same of what the engine says.
fn said(effects: &[Effects], before: &Catalog) -> Seen {
    let mut seen = Seen {
        locks: BTreeMap::new(),
        outside_transaction: effects.iter().any(|effects| effects.transactional == Transactional::No),
        rewrites: BTreeSet::new(),
        scans: BTreeSet::new(),
        rebuilds: BTreeSet::new(),
        builds_on: BTreeSet::new(),
    };
    let there = |relation: &Name| before.tables.contains_key(relation) || before.views.contains_key(relation);
    for lock in effects.iter().flat_map(|effects| &effects.locks).filter(|lock| lock.mode >= NOTICED) {
        let known = there(&lock.relation) || before.indexes.contains_key(&lock.relation) || before.sequences.contains_key(&lock.relation);
        if known {
            let strongest = seen.locks.entry(lock.relation.to_string()).or_insert(lock.mode);
            *strongest = lock.mode.max(*strongest);
        }
    }
    let tables = seen.locks.clone();
    seen.locks
        .retain(|relation, mode| before.indexes.get(&name(relation)).is_none_or(|index| tables.get(&index.table.to_string()) < Some(mode)));
    for work in effects.iter().flat_map(|effects| &effects.work) {
        match work {
            Work::RewritesTable(table) if there(table) => {
                seen.rewrites.insert(table.to_string());
                seen.scans.insert(table.to_string());
                for (index, _) in before.indexes_of(table) {
                    seen.rebuilds.insert(index.to_string());
                    seen.builds_on.insert(table.to_string());
                }
            }
            Work::CopiesTable(table) if there(table) => {
                seen.rewrites.insert(table.to_string());
            }
            // Its indexes are built again, over nothing.
            Work::EmptiesTable(table) if there(table) => {
                seen.rewrites.insert(table.to_string());
                for (index, _) in before.indexes_of(table) {
                    seen.rebuilds.insert(index.to_string());
                    seen.builds_on.insert(table.to_string());
                    seen.scans.insert(table.to_string());
                }
            }
            Work::ScansTable(table) if there(table) => {
                seen.scans.insert(table.to_string());
            }
            Work::BuildsIndex { table, index } if there(table) => {
                seen.scans.insert(table.to_string());
                seen.builds_on.insert(table.to_string());
                seen.rebuilds.extend(index.iter().filter(|index| before.indexes.contains_key(index)).map(ToString::to_string));
            }
            Work::RewritesTable(_)
            | Work::CopiesTable(_)
            | Work::EmptiesTable(_)
            | Work::ScansTable(_)
            | Work::BuildsIndex { .. }
            | Work::ChangesRows(_) => {}
        }
    }
    seen
}

/// What differs in a case, if anything does: one line a version.
fn differences(case: &Case) -> Result<Vec<String>, String> {
    let mut before = Catalog::default();
    for step in &case.setup {
        fold(step, &mut before, |_, _| ()).map_err(|error| format!("setup: {error}"))?;
    }
    let mut differences = Vec::new();
    for fact in &case.facts {
        for major in fact.versions.0..=fact.versions.1 {
            let mut effects = Vec::new();
            let mut after = before.clone();
            for statement in &case.ddl {
                fold(statement, &mut after, |change, now| effects.push(engine::effects(Engine::PostgreSql { major }, change, now)))?;
            }
            let (said, measured) = (said(&effects, &before), measured(fact, &before, &after));
            if said != measured {
                differences.push(format!("{major}: said {said:?}\n      seen {measured:?}"));
            }
        }
    }
    Ok(differences)
}

#[test]
fn the_engine_says_what_was_measured() {
    let known: Known = toml::from_str(&fixture("known.toml")).unwrap();
    let mut listed: BTreeMap<&str, &str> = BTreeMap::new();
    for because in &known.because {
        assert!(!because.reason.is_empty());
        for case in &because.cases {
            assert!(listed.insert(case, &because.reason).is_none(), "{case} is listed twice");
        }
    }
    let mut wrong = Vec::new();
    let mut agree = 0;
    let cases = cases();
    for case in &cases {
        let found = differences(case).map_or_else(Some, |lines| lines.first().cloned());
        match (found, listed.remove(case.id.as_str())) {
            (None, None) => agree += 1,
            (Some(_), Some(_)) => {}
            (Some(found), None) => wrong.push(format!("{} | {}\n  {found}", case.id, case.ddl.join("; "))),
            (None, Some(_)) => wrong.push(format!("{} is listed as different, but agrees", case.id)),
        }
    }
    wrong.extend(listed.keys().map(|case| format!("{case} is listed, but there is no such case")));
    assert!(wrong.is_empty(), "{}\n{} of {} cases agree, {} are wrong", wrong.join("\n"), agree, cases.len(), wrong.len());
}
