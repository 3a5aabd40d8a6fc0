//! The databases that show what each release expects: built by its migrations as written, with rows of ours, and never touched
//! by the plan.

use std::collections::BTreeSet;

use sqlx::Connection;

use super::Error;
use super::chance::reorder;
use super::client::{Client, execute, sequences_at, statements};
use super::demand::demanded;
use super::prove::{Case, Options, Scope};
use super::renames::Renames;
use super::seed::{Rows, Seeded, seed};
use super::shadow::Shadow;
use super::shape::{Column, Shape, Table};
use super::written::{self, Refused};
use crate::schema::{Identifier, Name};
use crate::sql::postgres::compared;

/// The databases that show what each release expects.
pub(super) struct Written {
    pub(super) seeded: String,
    pub(super) old: String,
    /// The same once more, where migrations before the release have run in it.
    pub(super) old_again: String,
    pub(super) new: String,
    /// The same once more: what differs between both differs from run to run.
    pub(super) again: String,
    pub(super) rows: Rows,
    pub(super) tables: Vec<Seeded>,
}

/// Where sequences stand in the second database of a release.
const ELSEWHERE: u32 = 10_007;

/// Builds what each release expects, with the most telling rows that its migrations take. `base`: the shape of the base, and the
/// tables that the release is about.
pub(super) async fn build(
    shadow: &mut Shadow,
    case: &Case<'_>,
    options: &Options,
    base: (&Shape, &BTreeSet<Name>),
) -> Result<Result<Written, Refused>, Error> {
    let mut last = None;
    let hints: Vec<(String, String)> = statements_of(case).flat_map(compared).collect();
    let hinted = (!hints.is_empty()).then_some((Rows::Varied, hints.as_slice()));
    for (rows, hints) in hinted.into_iter().chain([Rows::Varied, Rows::Plain, Rows::None].map(|rows| (rows, [].as_slice()))) {
        match build_with(shadow, case, options, base, (rows, hints)).await? {
            Ok(written) => return Ok(Ok(written)),
            Err(refused) => last = Some(refused),
        }
    }
    Ok(last.map_or_else(|| unreachable!("three kinds of rows were tried"), Err))
}

async fn build_with(
    shadow: &mut Shadow,
    case: &Case<'_>,
    options: &Options,
    (base, touched): (&Shape, &BTreeSet<Name>),
    (rows, hints): (Rows, &[(String, String)]),
) -> Result<Result<Written, Refused>, Error> {
    let seeded = shadow.create(Some(case.base)).await?;
    let mut connection = shadow.connect(&seeded).await?;
    let mut shape = base.clone();
    shape.hint(hints);
    let wanted = closure(&shape, touched);
    let (shape, trial) = if rows == Rows::Plain { demanded(shadow, case, shape).await? } else { (shape, None) };
    let mut tried = match &trial {
        Some(name) => Some(shadow.connect(name).await?),
        None => None,
    };
    let wanted = |name: &Name| options.scope == Scope::All || wanted.contains(name);
    let tables = seed((&mut connection, tried.as_mut()), &shape, rows, options.rows, &wanted).await?;
    let _ = connection.close().await;
    if let (Some(name), Some(connection)) = (trial, tried) {
        let _ = connection.close().await;
        shadow.drop(&name).await?;
    }
    let old = shadow.create(Some(&seeded)).await?;
    let mut made = vec![seeded.clone(), old.clone()];
    let mut result = written::run(shadow, &old, case.before).await?;
    let mut old_again = old.clone();
    if !case.before.is_empty() {
        // What the migrations before it make up differs each time, too.
        old_again = shadow.create(Some(&seeded)).await?;
        made.push(old_again.clone());
        reorder(shadow, &old_again, &shape).await?;
        written::run(shadow, &old_again, case.before).await?.ok();
    }
    let mut news = Vec::new();
    for start in [&old, &old_again] {
        if result.is_err() {
            break;
        }
        let mut new = shadow.create(Some(start)).await?;
        // Clients take numbers meanwhile, so rows that the release inserts may get any: another one the second time.
        let elsewhere = !news.is_empty();
        if elsewhere {
            let mut connection = shadow.connect(&new).await?;
            execute(&mut connection, &sequences_at(ELSEWHERE)).await?;
            let _ = connection.close().await;
            // Moved twice, the first of two rows would be the first again.
            if case.before.is_empty() {
                reorder(shadow, &new, &shape).await?;
            }
        }
        result = written::run(shadow, &new, case.migrations).await?;
        if elsewhere && result.is_err() {
            // They count on the first numbers.
            shadow.drop(&new).await?;
            new = shadow.create(Some(start)).await?;
            result = written::run(shadow, &new, case.migrations).await?;
        }
        made.push(new.clone());
        news.push(new);
    }
    match (result, news.as_slice()) {
        (Ok(()), [new, again]) => Ok(Ok(Written { seeded, old, old_again, new: new.clone(), again: again.clone(), rows, tables })),
        (Err(refused), _) => {
            for name in made {
                shadow.drop(&name).await?;
            }
            Ok(Err(refused))
        }
        (Ok(()), _) => unreachable!("both were made"),
    }
}

fn statements_of<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a str> {
    case.before.iter().chain(case.migrations).flat_map(|script| &script.statements).map(String::as_str)
}

/// Tables with all that they reference, however far.
fn closure(shape: &Shape, touched: &BTreeSet<Name>) -> BTreeSet<Name> {
    let mut all = touched.clone();
    loop {
        let more: Vec<Name> = shape
            .tables
            .iter()
            .filter(|table| all.contains(&table.name))
            .flat_map(|table| table.foreign_keys.iter().map(|key| &key.references).chain(&table.reads).cloned())
            .filter(|name| !all.contains(name))
            .collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// Adds the tables whose foreign keys lead to one of them (`schema.table`), however far, and the views that read them.
pub(super) fn add_referencing(paths: &mut BTreeSet<String>, shapes: &[&Shape]) {
    add_following(paths, shapes, |table| table.foreign_keys.iter().map(|key| &key.references).chain(&table.reads).collect());
}

/// Adds the views that read one of them (`schema.table`), and those that read these.
pub(super) fn add_readers(paths: &mut BTreeSet<String>, shapes: &[&Shape]) {
    add_following(paths, shapes, |table| table.reads.iter().collect());
}

fn add_following(paths: &mut BTreeSet<String>, shapes: &[&Shape], of: impl Fn(&Table) -> Vec<&Name>) {
    loop {
        let tables = shapes.iter().flat_map(|shape| &shape.tables);
        let follows = |table: &&Table| of(table).into_iter().any(|other| paths.contains(&super::carry::path(other)));
        let found: Vec<String> = tables.filter(follows).map(|table| super::carry::path(&table.name)).collect();
        let before = paths.len();
        paths.extend(found);
        if paths.len() == before {
            return;
        }
    }
}

/// The shape with some rows by value.
pub(super) async fn sampled(shadow: &Shadow, database: &str) -> Result<Shape, Error> {
    let mut connection = shadow.connect(database).await?;
    let mut shape = Shape::read(&mut connection).await?;
    super::sample::read(&mut connection, &mut shape).await?;
    let _ = connection.close().await;
    Ok(shape)
}

pub(super) async fn learn(
    shadow: &Shadow,
    databases: [&String; 2],
    shape: &Shape,
    base: u64,
    wanted: impl Fn(&Table) -> bool,
) -> Result<Client, Error> {
    let made = shape.tables.iter().filter(|table| wanted(table)).flat_map(|table| statements(shape, table, base)).collect();
    let (mut first, mut second) = (shadow.connect(databases[0]).await?, shadow.connect(databases[1]).await?);
    let client = Client::learn(made, &mut first, &mut second).await?;
    let _ = (first.close().await, second.close().await);
    Ok(client)
}

/// Tables with a column whose enum has other labels in the new shape, by both of their names.
pub(super) fn relabelled(renames: &Renames, old: &Shape, new: &Shape) -> BTreeSet<String> {
    let labels = |shape: &Shape, table: &Table, name: &Identifier| {
        let column = table.column(name)?;
        let of = shape.types.get(&column.data_type)?;
        let of = if of.is_array { shape.types.get(&of.of)? } else { of };
        Some(of.labels.clone()).filter(|labels| !labels.is_empty())
    };
    let tables = old.tables.iter().filter_map(|table| Some((table, new.table(renames.tables.get(&table.name).unwrap_or(&table.name))?)));
    let differ = tables.filter(|(one, other)| {
        one.columns.iter().any(|column| {
            let now = renames.columns.get(&(one.name.clone(), column.name.clone())).unwrap_or(&column.name);
            match (labels(old, one, &column.name), labels(new, other, now)) {
                (Some(before), Some(after)) => before.iter().any(|label| !after.contains(label)),
                _ => false,
            }
        })
    });
    differ.flat_map(|(table, now)| [&table.name, &now.name]).map(super::carry::path).collect()
}

/// Whether the release gives a column of the table another default, or the default another type, which both sides then share. Either release's name of
/// the table will do.
pub(super) fn has_another_default(renames: &Renames, (old, new): (&Shape, &Shape), table: &Name) -> bool {
    let first = renames.tables.iter().find(|(_, now)| *now == table).map_or(table, |(then, _)| then);
    let (Some(old), Some(new)) = (old.table(first), new.table(renames.tables.get(first).unwrap_or(first))) else { return false };
    old.columns.iter().any(|column| {
        let name = renames.columns.get(&(first.clone(), column.name.clone())).unwrap_or(&column.name);
        let differs = |other: &Column| other.default != column.default || other.default.is_some() && other.type_text != column.type_text;
        new.column(name).is_some_and(differs)
    })
}

/// Whether a table is the same to clients of both releases.
pub(super) fn alike(old: &Table, new: &Table) -> bool {
    let columns = |table: &Table| {
        table
            .columns
            .iter()
            .map(|column| (column.name.clone(), column.type_text.clone(), column.not_null, column.default.clone()))
            .collect::<Vec<_>>()
    };
    columns(old) == columns(new)
        && old.keys == new.keys
        && old.conditions == new.conditions
        && old.foreign_keys.len() == new.foreign_keys.len()
}
