//! ADD COLUMN whose value follows from the row (an UPDATE of the release, or an `up` directive, says how): filled for old
//! clients by a trigger, for old rows in chunks, and then NOT NULL if that is wanted.

use super::add_column::{adding, subject, walking_key};
use super::{Context, Recipe, handed_back, set_not_null};
use crate::engine::{Held, LockMode, postgres};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::identity::differs;
use crate::plan::keyset::{self, Action};
use crate::plan::mute::{fired_as_written, made_by_release, muted};
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::plan::release::{Planned, is_over_own_row};
use crate::plan::trigger::{Sync, Turn, over, without_generated};
use crate::schema::change::AddColumn;
use crate::schema::object::Volatility;
use crate::schema::{Identifier, Name, Part, Sql, Table};
use crate::sql::directive::DirectiveKind;
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, add: &AddColumn, up: &Sql, not_null: bool) -> Result<Recipe, Refusal> {
    let table = ctx.table(&add.table)?;
    check(ctx, add, up, table)?;
    let up = &without_generated(up, table);
    let mut bare = add.column.clone();
    bare.not_null = false;
    let sync = sync(ctx, add, up, table).in_turn(turn(ctx, &add.table, up));
    super::rename_column::refuse_later_triggers(ctx, &add.table, &sync)?;
    let relation = write::name(&add.table);
    let name = write::identifier(&add.column.name);
    let mut undo = sync.drop();
    undo.push(format!("ALTER TABLE {relation} DROP COLUMN {name}"));
    let expand = adding(ctx, add, &bare, sync.create())
        .because("a trigger fills the column in rows that old clients write, so new clients find it filled")
        .undone_by(undo)
        .hazard(
            HazardKind::FillsNull,
            format!("until contract, a row that new clients write with NULL for {}, or without it, is filled too", add.column.name),
        );
    let mut recipe = Recipe::expand(expand);
    let filling = fill(ctx, add, up, table)?;
    // An UPDATE of the author's fires triggers where it stands, and so does the fill that takes its place.
    let by_directive = ctx.item.directives.iter().any(|directive| matches!(directive, DirectiveKind::Up(_)));
    let value = over("OLD", up);
    let always = is_never_null(ctx, up, table);
    if !by_directive && !always {
        refuse_new_triggers(ctx, &add.table, &add.column.name)?;
    }
    recipe.migrate.extend(if by_directive {
        muted(ctx, &add.table, &add.column.name, Some(&value), filling)
    } else {
        fired_as_written(ctx, &add.table, &add.column.name, &value, filling)
    });
    recipe.contract.push(
        Draft::own(subject(add), "drop-trigger", format!("stop filling {} for old clients", subject(add)), sync.drop())
            .because("no client that doesn't know the column is left")
            .locks(&add.table, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::trigger_gone(&add.table, sync.first_trigger()))
            .undone_by(sync.create()),
    );
    if not_null && always {
        recipe.migrate.extend(set_not_null::steps(ctx, &add.table, &add.column.name));
    } else if not_null {
        // Old clients may still write rows for which the value comes to NULL, and those must not be refused. The trigger goes
        // first: new clients change what it reads, and it would give them NULL.
        recipe.contract.extend(set_not_null::gated_steps(ctx, &add.table, &add.column.name));
    }
    Ok(recipe)
}

/// Functions that give NULL only where an argument is NULL.
const STRICT: &[&str] =
    &["upper", "lower", "trim", "btrim", "ltrim", "rtrim", "length", "char_length", "md5", "abs", "now", "gen_random_uuid"];

/// Whether the value is one for every row: a literal, or made of columns that refuse NULL by nothing that could give it.
/// Old clients may write NULL into a column of which only the release demands a value.
fn is_never_null(ctx: &Context<'_>, up: &Sql, table: &Table) -> bool {
    let old = ctx.old.tables.get(ctx.name_before_release(&table.name));
    let in_old = |name: &Identifier| match old.and_then(|old| old.column(name)) {
        Some(column) => column.not_null,
        None => has_always_value(ctx, table, name),
    };
    let refuses_null = |name: &Identifier| table.column(name).is_some_and(|column| column.not_null) && in_old(name);
    let reads = up.own_columns().next().is_some();
    up.parts.iter().all(|part| match part {
        Part::Text(text) => is_plain(text) && !(reads && may_fail(text)),
        Part::Column { of: None, name } => refuses_null(name),
        Part::Type(_) => !reads,
        Part::Column { of: Some(_), .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) => false,
    })
}

/// Whether a column of this release has a value in every row that old clients write: what fills it for them may give NULL.
fn has_always_value(ctx: &Context<'_>, table: &Table, column: &Identifier) -> bool {
    ctx.release.iter().all(|item| match &item.planned {
        Planned::FilledColumn { add, up, .. } if add.table == table.name && &add.column.name == column => {
            item.before.tables.get(&table.name).is_some_and(|before| is_never_null(ctx, up, before))
        }
        Planned::FilledColumn { .. } | Planned::Change(_) | Planned::EnumSwap(_) => true,
    })
}

/// The UPDATE as written touches every row, the fill only those that get a value: a trigger that the release has just made would
/// change the others too.
fn refuse_new_triggers(ctx: &Context<'_>, table: &Name, column: &Identifier) -> Result<(), Refusal> {
    let Some(trigger) = made_by_release(ctx, table, column) else { return Ok(()) };
    Err(ctx.refuse(
        format!("the UPDATE that fills {table}.{column} fires trigger {}, which this release makes before it, for every row", trigger.name),
        "put the UPDATE above CREATE TRIGGER where rows are to stay as they are, or into the next release",
    ))
}

/// Whether the text computes or casts what not every value allows: too great a number, a text that is none. Then there is NULL.
pub(super) fn may_fail(text: &str) -> bool {
    const WIDE: &[&str] = &["text", "varchar", "character", "varying"];
    let outside: String = text.split('\'').step_by(2).collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let mut words = outside.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    outside.contains(['+', '-', '*', '/', '%', '^']) || words.any(|word| TYPES.contains(&word) && !WIDE.contains(&word))
}

/// Whether the text holds literals, casts and strict built-in functions and operators only.
fn is_plain(text: &str) -> bool {
    let mut outside = String::new();
    for (number, piece) in text.split('\'').enumerate() {
        if number % 2 == 0 {
            outside.push_str(piece);
            outside.push(' ');
        }
    }
    let words =
        outside.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()));
    let known = |word: &str| {
        let word = word.to_ascii_lowercase();
        STRICT.contains(&word.as_str()) || TYPES.contains(&word.as_str()) || matches!(word.as_str(), "true" | "false")
    };
    // An arrow takes a value out of JSON, where it may be missing; a bracket out of an array.
    words.into_iter().all(known) && !outside.contains("->") && !outside.contains('[') && !outside.contains('@') && !outside.contains('#')
}

/// Types as a cast names them.
const TYPES: &[&str] = &[
    "text",
    "varchar",
    "character",
    "varying",
    "int",
    "integer",
    "bigint",
    "smallint",
    "numeric",
    "boolean",
    "uuid",
    "date",
    "timestamp",
    "timestamptz",
    "double",
    "precision",
    "real",
];

fn check(ctx: &Context<'_>, add: &AddColumn, up: &Sql, table: &Table) -> Result<(), Refusal> {
    if let Some(unknown) = up.own_columns().find(|name| table.column(name).is_none()) {
        if ctx.new.tables.get(&add.table).is_some_and(|table| table.column(unknown).is_some()) {
            return Err(ctx.refuse(
                format!(
                    "the value of {} is made of {unknown}, which is added after it: old clients' rows are filled by a trigger from then on",
                    subject(add)
                ),
                format!("write ADD COLUMN {} before ADD COLUMN {}", write::identifier(unknown), write::identifier(&add.column.name)),
            ));
        }
        return Err(ctx.refuse(
            format!("the value of {} names the column {unknown}, which {} does not have", subject(add), add.table),
            "name only columns of that table in `up`, without a table before them",
        ));
    }
    if !is_over_own_row(up) {
        return Err(ctx.refuse(
            format!("the value of {} reads more than its own row", subject(add)),
            "write `up` over the columns of the same row, without table names or subqueries",
        ));
    }
    super::fill_conflict::refuse(ctx, add, up)
}

/// The triggers that fill the column where the writer gave no value.
pub(crate) fn sync(ctx: &Context<'_>, add: &AddColumn, up: &Sql, table: &Table) -> Sync {
    let name = write::identifier(&add.column.name);
    let mut changed: Vec<String> = up
        .own_columns()
        .filter_map(|source| table.column(source))
        .map(|column| {
            let quoted = write::identifier(&column.name);
            differs(ctx.before, column, &format!("OLD.{quoted}"), &format!("NEW.{quoted}"))
        })
        .collect();
    changed.sort();
    changed.dedup();
    // A value that a client gave itself stays; one that still is what the row once gave follows the row.
    let unchanged = format!("NOT ({})", differs(ctx.before, &add.column, &format!("OLD.{name}"), &format!("NEW.{name}")));
    // The database casts what is assigned, and compares only what is of one type.
    let cast = format!("({})::{}", over("OLD", up), write::data_type(&add.column.data_type));
    let derived = format!("NOT ({})", differs(ctx.before, &add.column, &format!("OLD.{name}"), &cast));
    // Without a source the value doesn't follow from the row (a constant, a random value): what was filled once stays.
    let markers = handed_back::markers(ctx, &add.table, up);
    let follows = if changed.is_empty() {
        "false".to_owned()
    } else if markers.is_empty() {
        format!("{unchanged} AND {derived}")
    } else {
        // What new clients gave was handed back, so what old clients make of that counts.
        "true".to_owned()
    };
    Sync::filled(&add.table, &add.column.name, &over("NEW", up), &changed.join(" OR "), &follows).unless(&markers)
}

/// The turn of a trigger that computes the expression: after those that fill, in this release, the columns that it reads.
pub(crate) fn turn(ctx: &Context<'_>, table: &Name, expression: &Sql) -> Turn {
    let filled = |read: &Identifier| {
        ctx.earlier().find_map(|item| match &item.planned {
            Planned::FilledColumn { add, up, .. } if &add.table == table && &add.column.name == read => Some((item, up)),
            Planned::FilledColumn { .. } | Planned::Change(_) | Planned::EnumSwap(_) => None,
        })
    };
    let after = expression.own_columns().filter_map(filled).map(|(item, up)| turn(&Context { item, ..*ctx }, table, up).0 + 1);
    // What is handed back comes first.
    Turn(after.max().unwrap_or_default().max(usize::from(!handed_back::markers(ctx, table, expression).is_empty())))
}

fn fill(ctx: &Context<'_>, add: &AddColumn, up: &Sql, table: &Table) -> Result<Draft, Refusal> {
    let relation = write::name(&add.table);
    let name = write::identifier(&add.column.name);
    let value = write::text(up);
    let volatile = postgres::volatility(up, ctx.before) == Volatility::Volatile;
    let pending = if volatile { format!("{name} IS NULL") } else { format!("{name} IS NULL AND ({value}) IS NOT NULL") };
    let remaining = format!("SELECT count(*) FROM {relation} WHERE {pending}");
    let key = walking_key(ctx, table)?;
    let backfill = keyset::backfill(table, &key, &Action::Set(format!("{name} = {value}")), Some(&pending), remaining);
    let draft = Draft::chunked(subject(add), "fill", format!("fill {} in the rows that were there", subject(add)), backfill)
        .because("new clients expect every row to have its value; rows that old clients write meanwhile are filled by the trigger")
        .locks(&add.table, LockMode::RowExclusive, Held::Brief);
    Ok(if volatile {
        draft.hazard(HazardKind::NotRepeatable, "each run gives other values; rows that have one are left alone")
    } else {
        draft
    })
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn only_what_can_not_give_null_is_plain() {
        for good in ["'a'", "lower(", ")::text", " || 'null' || ", "0", "now()"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["NULL", "nullif(", " ->> 'a'", "CASE WHEN ", "coalesce(", "substring("] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
