//! CREATE INDEX: built CONCURRENTLY. A unique one refuses writes that old clients may make, so it waits for contract.

use super::fill_column::may_fail;
use super::{Context, Recipe, change_type, partitioned_index, repair};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::Planned;
use crate::schema::change::Concurrency;
use crate::schema::{Change, Index, IndexElement, IndexKey, Lookup, Name, NullsDistinct, Part, TableKind, Uniqueness};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, index: &Index) -> Result<Recipe, Refusal> {
    let index = named(ctx, index)?;
    if ctx.before.indexes.contains_key(&name_of(&index)) {
        // IF NOT EXISTS, and it is there.
        return Ok(Recipe::default());
    }
    if let Lookup::Known(table) = ctx.before.table(&index.table)
        && matches!(table.kind, TableKind::Partitioned { .. })
    {
        return partitioned_index::plan(ctx, &index);
    }
    // Keys that are an expression may be equal though the columns are NULL.
    let only_new = ctx.before.tables.contains_key(&index.table)
        && index.nulls == NullsDistinct::Distinct
        && index
            .elements
            .iter()
            .all(|element| matches!(&element.key, IndexKey::Column(column) if ctx.stays_null_for_old(&index.table, column)));
    let step = build(&index);
    if index.uniqueness == Uniqueness::Plain && is_on_exchanged(ctx, &index) {
        return Ok(Recipe::migrate(step.because("the column that it is on has its type by then; readers and writers go on")));
    }
    if index.uniqueness == Uniqueness::Plain {
        return Ok(Recipe::expand(step.because("readers and writers go on while the index is built")));
    }
    let step = step.hazard(HazardKind::RefusesWrites, format!("a duplicate in {} is refused as soon as the build begins", index.table));
    if only_new {
        return Ok(Recipe { migrate: vec![step.because("only new clients write these columns")], ..Recipe::default() });
    }
    let step = step.because("old clients may still write duplicates until then; new clients never do").hazard(
        HazardKind::RefusesWrites,
        format!("until then ON CONFLICT of new clients can't rest on {}: such a statement fails", name_of(&index).name),
    );
    let mut contract = repair::of_key(ctx, &index.table, &index.columns());
    contract.push(match duplicates(&index) {
        Some(sql) => step.after_zero(format!("keys of {} that occur more than once", index.table), sql),
        None => step,
    });
    Ok(Recipe { contract, ..Recipe::default() })
}

/// Whether a statement before it changes the type of a column that it is on, by another column that takes the name in migrate.
fn is_on_exchanged(ctx: &Context<'_>, index: &Index) -> bool {
    ctx.earlier().any(|item| match &item.planned {
        Planned::Change(Change::ChangeType { table, column, .. }) => {
            table == &index.table && index.mentions(column) && !change_type::is_at_once(ctx, item)
        }
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => false,
    })
}

/// What the index is made of is computed for each row that is written, too, and may fail for some.
fn raising(index: &Index, draft: Draft) -> Draft {
    let expressions = index.elements.iter().filter_map(|element| match &element.key {
        IndexKey::Expression(sql) => Some(sql),
        IndexKey::Column(_) => None,
    });
    let fails = |part: &Part| match part {
        Part::Text(text) => may_fail(text),
        Part::Function(_) | Part::Type(_) => true,
        Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) => false,
    };
    if !expressions.chain(&index.predicate).any(|sql| sql.parts.iter().any(fails)) {
        return draft;
    }
    draft.hazard(
        HazardKind::RefusesWrites,
        format!(
            "a row of {} for which {} can't be computed, since a function or a cast fails, is refused from here on",
            index.table,
            name_of(index).name
        ),
    )
}

/// CREATE INDEX CONCURRENTLY, which an invalid index of the same name is cleared away for.
pub(crate) fn build(index: &Index) -> Draft {
    let name = name_of(index);
    let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {}", write::name(&name));
    let kind = if index.uniqueness == Uniqueness::Unique { "unique index" } else { "index" };
    let draft = Draft::autocommit(
        format!("{}.{}", index.table, name.name),
        "create-index",
        format!("build {kind} {} on {}", name.name, index.table),
        write::create_index(index, Concurrency::Concurrently),
    )
    .locks(&index.table, LockMode::ShareUpdateExclusive, Held::Scan)
    .probed(probe::index_valid(&name))
    .leaving(probe::index_invalid(&name), drop.clone())
    .undone_outside_a_transaction_by(drop);
    raising(index, draft)
}

/// The index's name with its schema.
pub(crate) fn name_of(index: &Index) -> Name {
    Name { schema: index.table.schema.clone(), name: index.name.clone().unwrap_or_else(|| "".into()) }
}

/// The index with the name that it has in the schema after the change.
fn named(ctx: &Context<'_>, index: &Index) -> Result<Index, Refusal> {
    if index.name.is_some() {
        return Ok(index.clone());
    }
    let made = ctx.after.indexes_of(&index.table).find(|(name, _)| !ctx.before.indexes.contains_key(*name));
    match made {
        Some((name, _)) => Ok(Index { name: Some(name.name.clone()), ..index.clone() }),
        None => Err(ctx.refuse(format!("what the index on {} will be called can't be told", index.table), "give it a name")),
    }
}

/// Counts the keys that occur more than once.
pub(crate) fn duplicates(index: &Index) -> Option<String> {
    let mut keys: Vec<String> = Vec::new();
    for element in &index.elements {
        keys.push(match &element.key {
            IndexKey::Column(name) => write::identifier(name),
            IndexKey::Expression(sql) => format!("({})", write::text(sql)),
        });
    }
    let mut conditions: Vec<String> = index.predicate.iter().map(|predicate| format!("({})", write::text(predicate))).collect();
    if index.nulls == NullsDistinct::Distinct {
        conditions.extend(keys.iter().map(|key| format!("{key} IS NOT NULL")));
    }
    if keys.is_empty() || !index.method.as_str().eq("btree") {
        return None;
    }
    // What reads no column is one for all rows, and a constant can't be grouped by.
    let reads = |element: &IndexElement| element.columns().next().is_some();
    let several: Vec<&str> = index.elements.iter().zip(&keys).filter(|(element, _)| reads(element)).map(|(_, key)| key.as_str()).collect();
    let group = if several.is_empty() { "()".to_owned() } else { several.join(", ") };
    let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    Some(format!(
        "SELECT count(*) FROM (SELECT 1 FROM {}{filter} GROUP BY {group} HAVING count(*) > 1) AS duplicate",
        write::name(&index.table)
    ))
}
