//! Steps with their SQL, as `--dry-run` shows them. Pure.

use std::fmt::Write as _;

use crate::plan::{Backfill, Step, Transaction, Undo};

/// What `apply` would run.
pub fn text(steps: &[&Step]) -> String {
    if steps.is_empty() {
        return "nothing to do\n".to_owned();
    }
    steps.iter().map(|step| one(step, forth(step), step.transaction)).collect()
}

/// What `rollback` would run.
pub fn undo_text(steps: &[&Step]) -> String {
    if steps.is_empty() {
        return "nothing to take back\n".to_owned();
    }
    let undo = |step: &&Step| match &step.undo {
        Undo::Sql { sql, transaction } => one(step, sql.clone(), *transaction),
        Undo::Needless => format!("-- {}: nothing to take back\n\n", step.id),
        Undo::Impossible { loses } => format!("-- {}: stays, since it can't be taken back: {loses}\n\n", step.id),
    };
    steps.iter().map(undo).collect()
}

fn forth(step: &Step) -> Vec<String> {
    match &step.backfill {
        Some(Backfill { chunk, .. }) if step.transaction == Transaction::Chunked => vec![chunk.clone()],
        Some(_) | None => step.sql.clone(),
    }
}

fn one(step: &Step, sql: Vec<String>, transaction: Transaction) -> String {
    let how = match transaction {
        Transaction::Own => "in one transaction",
        Transaction::None => "outside a transaction",
        Transaction::Chunked => "in many small transactions, of which this is one",
    };
    let mut text = String::new();
    let _ = writeln!(text, "-- {}: {}\n-- {how}", step.id, step.about);
    for statement in sql {
        let _ = writeln!(text, "{};", statement.trim_end().trim_end_matches(';'));
    }
    text.push('\n');
    text
}
