//! ADD CHECK: added without reading the table, then validated while writers go on. In contract, unless old clients can't break it.

use super::set_not_null::validate;
use super::{Context, Recipe, repair};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::schema::{Catalog, Constraint, Enforcement, Identifier, Name, Sql, Validity};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, table: &Name, constraint: &Constraint, expression: &Sql) -> Result<Recipe, Refusal> {
    let name = constraint_name(ctx, table, constraint)?;
    let subject = format!("{table}.{name}");
    let only_new = expression.own_columns().next().is_some()
        && expression.own_columns().all(|column| ctx.stays_null_for_old(table, column))
        && passes_null(expression);
    let add = add_not_valid(table, constraint, &name);
    if constraint.enforcement == Enforcement::NotEnforced {
        return Ok(Recipe::expand(add.because("it is not enforced, so nobody's writes are refused")));
    }
    let mut steps = if only_new { Vec::new() } else { repair::of_check(ctx, table, expression)? };
    steps.push(if only_new {
        add.because("only new clients write these columns")
    } else if stays_unchecked(ctx, table, &name) {
        add.because("old clients may still break it until then; rows that are there may break it for good")
    } else {
        let count = format!("SELECT count(*) FROM {} WHERE NOT ({})", write::name(table), write::text(expression));
        add.because("old clients may still break it until then; new clients never do")
            .after_zero(format!("rows of {table} that {name} would refuse"), count)
    });
    if constraint.validity == Validity::Valid {
        steps.push(validate(table, &name, &subject));
    }
    Ok(if only_new { Recipe { migrate: steps, ..Recipe::default() } } else { Recipe { contract: steps, ..Recipe::default() } })
}

/// Whether the condition surely isn't false where all its columns are NULL: it holds nothing but operators and functions that
/// give NULL for NULL. Unsure is no.
fn passes_null(expression: &Sql) -> bool {
    const STRICT: [&str; 16] = [
        "and",
        "or",
        "not",
        "in",
        "any",
        "all",
        "between",
        "like",
        "ilike",
        "length",
        "char_length",
        "octet_length",
        "lower",
        "upper",
        "abs",
        "btrim",
    ];
    let mut literal = false;
    let mut word = String::new();
    for part in &expression.parts {
        let crate::schema::Part::Text(text) = part else {
            if matches!(part, crate::schema::Part::Column { of: None, .. }) {
                continue;
            }
            return false;
        };
        for letter in text.chars().chain([' ']) {
            if letter == '\'' {
                literal = !literal;
            } else if !literal && (letter.is_alphanumeric() || letter == '_') {
                word.push(letter.to_ascii_lowercase());
                continue;
            }
            let number = word.chars().all(|letter| letter.is_ascii_digit());
            if !literal && !number && !STRICT.contains(&word.as_str()) {
                return false;
            }
            word.clear();
        }
    }
    !literal
}

/// The constraint's name: as given, or as the database will choose it.
pub(crate) fn constraint_name(ctx: &Context<'_>, table: &Name, constraint: &Constraint) -> Result<Identifier, Refusal> {
    if let Some(name) = &constraint.name {
        return Ok(name.clone());
    }
    let before = ctx.before.tables.get(table);
    let made = ctx.after.tables.get(table).and_then(|after| {
        after
            .constraints
            .iter()
            .filter_map(|candidate| candidate.name.as_ref())
            .find(|name| before.is_none_or(|before| before.constraint(name).is_none()))
    });
    made.cloned().ok_or_else(|| {
        ctx.refuse(format!("what the constraint on {table} will be called can't be told"), "give it a name: ADD CONSTRAINT name …")
    })
}

/// Whether no statement of the release asks that rows which are there obey the constraint.
pub(crate) fn stays_unchecked(ctx: &Context<'_>, table: &Name, name: &Identifier) -> bool {
    let validity = |catalog: &Catalog| Some(catalog.tables.get(table)?.constraint(name)?.validity);
    validity(ctx.after) == Some(Validity::NotValid) && validity(ctx.new) != Some(Validity::Valid)
}

/// ADD CONSTRAINT … NOT VALID: for rows written from now on.
pub(crate) fn add_not_valid(table: &Name, constraint: &Constraint, name: &Identifier) -> Draft {
    let relation = write::name(table);
    let unchecked = Constraint { name: Some(name.clone()), validity: Validity::NotValid, ..constraint.clone() };
    Draft::own(
        format!("{table}.{name}"),
        "add-constraint",
        format!("add {name} to {table} for rows written from now on"),
        vec![format!("ALTER TABLE {relation} ADD {}", write::constraint(&unchecked))],
    )
    .locks(table, LockMode::AccessExclusive, Held::Brief)
    .probed(probe::constraint_exists(table, name))
    .undone_by(vec![format!("ALTER TABLE {relation} DROP CONSTRAINT {}", write::identifier(name))])
    .hazard(HazardKind::RefusesWrites, format!("writes to {table} that break {name} are refused from here on"))
}
