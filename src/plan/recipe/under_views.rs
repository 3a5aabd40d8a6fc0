//! A type changed at once under views that the release drops before and creates again after, as the database demands: the views
//! go and come back with it, in one transaction.

use super::{Context, Item, Planned, change_type};
use crate::engine::{Held, LockMode};
use crate::plan::draft::Draft;
use crate::plan::refusal::Refusal;
use crate::schema::object::View;
use crate::schema::{Change, Name, Part};
use crate::sql::write;

/// A view that stands in the way of the change.
struct Exchanged<'a> {
    old: &'a View,
    new: &'a View,
}

/// The step with the views gone before it and there again after it. A refusal if one of them comes back with another query.
pub(super) fn exchanged(ctx: &Context<'_>, table: &Name, draft: Draft) -> Result<Draft, Refusal> {
    let views = views(ctx, table);
    if let Some(changed) = views.iter().find(|view| !view.is_same()) {
        return Err(ctx.refuse(
            format!("the view {} reads {table}, and the release also gives it another query", changed.old.name),
            "put the change of the type into the next release, with DROP VIEW before it and CREATE VIEW with the same query after it",
        ));
    }
    let drop = |name: &Name| format!("DROP VIEW {}", write::name(name));
    let create = |view: &View, catalog| [vec![write::create_view(view)], write::remarks_about(catalog, &view.name)].concat();
    // Each is created after those that it reads.
    let drops = || views.iter().rev().map(|view| drop(&view.old.name));
    let news = views.iter().flat_map(|view| create(view.new, ctx.new));
    let olds = views.iter().flat_map(|view| create(view.old, ctx.old));
    let draft = draft.between(drops().collect(), news.collect(), olds.collect());
    Ok(views.iter().fold(draft, |draft, view| draft.locks(&view.old.name, LockMode::AccessExclusive, Held::Brief)))
}

/// Whether a change of type before this item has exchanged the view.
pub(super) fn is_exchanged(ctx: &Context<'_>, name: &Name) -> bool {
    ctx.earlier().any(|item| {
        let Planned::Change(Change::ChangeType { table, .. }) = &item.planned else { return false };
        let ctx = Context { item, before: &item.before, after: &item.after, ..*ctx };
        change_type::is_at_once(&ctx, item) && views(&ctx, table).iter().any(|view| &view.old.name == name)
    })
}

impl Exchanged<'_> {
    fn is_same(&self) -> bool {
        write::text(&self.old.query) == write::text(&self.new.query)
            && self.old.options == self.new.options
            && self.old.check_option == self.new.check_option
    }
}

/// The views over the table that are dropped before the item and created again after it, in that order.
fn views<'a>(ctx: &Context<'a>, table: &Name) -> Vec<Exchanged<'a>> {
    let mut found: Vec<Exchanged<'a>> = Vec::new();
    for item in ctx.later() {
        let Some(name) = made_again(item) else { continue };
        let Some((old, new)) = ctx.old.views.get(name).zip(ctx.new.views.get(name)) else { continue };
        let reads = |part: &Part| matches!(part, Part::Relation(read) if read == ctx.name_before_release(table) || found.iter().any(|view| &view.old.name == read));
        if !ctx.before.views.contains_key(name) && !old.materialized && old.query.parts.iter().any(reads) {
            found.push(Exchanged { old, new });
        }
    }
    found
}

/// The view that the item creates in the place of the one of before.
fn made_again(item: &Item) -> Option<&Name> {
    match (item.instead_of.as_deref(), &item.planned) {
        (Some(Change::DropObject { object, .. }), Planned::Change(Change::CreateView { view, .. })) if object.name == view.name => {
            Some(&view.name)
        }
        _ => None,
    }
}
