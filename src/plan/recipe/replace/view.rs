//! A view with another query: replaced in place where it only gains columns, exchanged in contract where it only loses some.

use super::super::as_written::once_filled;
use super::super::statement::{sql, step};
use super::super::{Context, Recipe, under_views};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::format::HazardKind;
use crate::plan::refusal::Refusal;
use crate::schema::object::{View, ViewColumn};
use crate::schema::{Catalog, Change, DataType, Identifier, Lookup, Name, ObjectRef, Part};
use crate::sql::postgres::resolve::output_expressions;
use crate::sql::write;

pub(super) fn plan(ctx: &Context<'_>, name: &Name, view: &View) -> Result<Recipe, Refusal> {
    let known = ctx.before.views.get(name).zip(ctx.after.views.get(name));
    let Some((old, new)) = known else { return Ok(Recipe::expand(step(ctx).because("old clients don't see it"))) };
    if under_views::is_exchanged(ctx, name) {
        refuse_lost_grants(ctx, name)?;
        return Ok(Recipe::default());
    }
    if old.materialized || view.materialized {
        return Err(ctx.refuse(
            format!("materialized view {name} is dropped and created again: clients would find it missing, or empty, meanwhile"),
            "create the new one under another name in this release and drop the old one in the next, or accept the gap with \
             `-- concertina: strategy direct` above all statements about it",
        ));
    }
    let (Lookup::Known(before), Lookup::Known(after)) = (&old.columns, &new.columns) else {
        return Err(ctx.refuse(
            format!("which columns the view {name} has can't be told, so whether old clients could read the new one can't either"),
            "say when with `-- concertina: strategy direct` above both statements, or give the new view another name",
        ));
    };
    let (before, after) = (shown(old, before), shown(new, after));
    if after.len() >= before.len() && before.iter().zip(&after).all(|(one, other)| one.is(other)) {
        refuse_lost_grants(ctx, name)?;
        return Ok(once_filled(ctx, in_place(ctx, old, new)));
    }
    let unknown = after.iter().find(|column| before.iter().any(|other| column.may_be(other)));
    if let Some(column) = unknown {
        return Err(ctx.refuse(
            format!(
                "the type of the column {} of the view {name} can't be told, so whether old clients could read it can't either",
                column.name
            ),
            "give the new view another name and drop the old one in the next release, or accept downtime with \
             `-- concertina: strategy direct` above both statements",
        ));
    }
    let only_loses = after.iter().all(|column| before.iter().any(|other| other.is(column)));
    if !only_loses {
        return Err(ctx.refuse(
            format!("columns of the view {name} change, and old and new clients can't both read it under one name"),
            "give the new view another name and drop the old one in the next release, or accept downtime with \
             `-- concertina: strategy direct` above both statements",
        ));
    }
    let statements = exchanged(ctx, name);
    let exchange = Draft::own(name.to_string(), "replace-view", format!("replace view {name} by the one with fewer columns"), statements)
        .because("old clients read the columns that go until then; new clients don't")
        .hazard(HazardKind::NewClientsReadOldValues, format!("until then new clients read {name} by its definition of before"))
        .locks(name, LockMode::AccessExclusive, Held::Brief)
        .undone_by(restored(ctx, old));
    Ok(Recipe::contract(exchange))
}

/// A column of a view, and what it is computed by where its type can't be told.
struct Shown<'a> {
    name: &'a Identifier,
    data_type: Option<&'a DataType>,
    expression: Option<String>,
}

fn shown<'a>(view: &View, columns: &'a [ViewColumn]) -> Vec<Shown<'a>> {
    let expressions = output_expressions(&write::text(&view.query)).filter(|found| found.len() == columns.len());
    let expression = |at: usize| expressions.as_ref().and_then(|found| found.get(at).cloned());
    let columns = columns.iter().enumerate();
    columns.map(|(at, column)| Shown { name: &column.name, data_type: column.data_type.as_ref(), expression: expression(at) }).collect()
}

impl Shown<'_> {
    /// Whether it is the same column, of the same type.
    fn is(&self, other: &Self) -> bool {
        let typed = match (self.data_type, other.data_type) {
            (Some(one), Some(other)) => one == other,
            (None, None) => self.expression.is_some() && self.expression == other.expression,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self.name == other.name && typed
    }

    fn may_be(&self, other: &Self) -> bool {
        self.name == other.name && self.data_type.is_none() && other.data_type.is_none() && !self.is(other)
    }
}

/// DROP VIEW takes rights along that CREATE OR REPLACE would keep.
fn refuse_lost_grants(ctx: &Context<'_>, name: &Name) -> Result<(), Refusal> {
    let lost = ctx.before.grants.iter().find(|grant| &grant.object.name == name && !ctx.new.grants.contains(*grant));
    match lost {
        None => Ok(()),
        Some(grant) => Err(ctx.refuse(
            format!("{} has rights on the view {name}, which DROP VIEW takes away", grant.grantee),
            format!("give them again below CREATE VIEW (GRANT … ON {name} TO …), or use CREATE OR REPLACE VIEW, which keeps them"),
        )),
    }
}

/// CREATE OR REPLACE keeps what depends on the view, its grants and its comments.
fn in_place(ctx: &Context<'_>, old: &View, new: &View) -> Draft {
    let mut sql = vec![write::create_view(new).replacen("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)];
    let lost = |object: &&ObjectRef| object.name == old.name && !ctx.new.comments.contains_key(*object);
    sql.extend(ctx.before.comments.keys().filter(lost).map(|object| format!("COMMENT ON {} IS NULL", write::object(object))));
    Draft::own(old.name.to_string(), "replace-view", format!("replace view {}, which only gains columns", old.name), sql)
        .because("old clients find all their columns where they were, and grants stay")
        .locks(&old.name, LockMode::AccessExclusive, Held::Brief)
        .undone_by(restored(ctx, old))
        .hazard(HazardKind::OldClientsReadNewValues, "old clients read through the new definition")
}

/// The new view for the old one, and the views that read it put back, as the release leaves them.
fn exchanged(ctx: &Context<'_>, name: &Name) -> Vec<String> {
    let mut readers = Vec::new();
    walk(ctx.old, name, &|_| true, &mut readers);
    let kept: Vec<&View> = readers.into_iter().filter_map(|reader| ctx.new.views.get(&reader.name)).map(AsRef::as_ref).collect();
    let drop = |name: &Name| format!("DROP VIEW {}", write::name(name));
    let mut statements: Vec<String> = kept.iter().map(|reader| drop(&reader.name)).collect();
    statements.push(drop(name));
    statements.extend(sql(ctx));
    for reader in kept.into_iter().rev() {
        statements.push(write::create_view(reader));
        statements.extend(write::remarks_about(ctx.new, &reader.name));
    }
    statements
}

/// The old view with all that was said about it, and the same for the views that read it: they stand in its way.
fn restored(ctx: &Context<'_>, old: &View) -> Vec<String> {
    let mut readers = Vec::new();
    add_readers(ctx, &old.name, &mut readers);
    let drop = |name: &Name| format!("DROP VIEW {}", write::name(name));
    let mut sql: Vec<String> = readers.iter().map(|reader| drop(&reader.name)).collect();
    sql.push(drop(&old.name));
    sql.push(write::create_view(old));
    sql.extend(write::remarks_about(ctx.before, &old.name));
    for reader in readers.into_iter().rev() {
        sql.push(write::create_view(reader));
        sql.extend(write::remarks_about(ctx.old, &reader.name));
    }
    sql
}

/// Adds the views of the release before that read this one, however far, each after those that read it. Not those that the
/// release has replaced earlier: the new ones were made when this one was gone.
fn add_readers<'a>(ctx: &Context<'a>, name: &Name, readers: &mut Vec<&'a View>) {
    let replaced = |view: &View| {
        ctx.earlier()
            .filter_map(|item| item.instead_of.as_deref())
            .any(|drop| matches!(drop, Change::DropObject { object, .. } if object.name == view.name))
    };
    walk(ctx.old, name, &|view| !replaced(view), readers);
}

fn walk<'a>(old: &'a Catalog, name: &Name, counts: &dyn Fn(&View) -> bool, readers: &mut Vec<&'a View>) {
    for view in old.views.values() {
        let known = readers.iter().any(|known| known.name == view.name);
        let reads = view.query.parts.iter().any(|part| matches!(part, Part::Relation(read) if read == name));
        if reads && !known && !view.materialized && counts(view) {
            walk(old, &view.name, counts, readers);
            readers.push(view);
        }
    }
}
