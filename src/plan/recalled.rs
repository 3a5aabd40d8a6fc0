//! What undo makes again it makes as it was, with its comment: a rule or a trigger that was dropped has lost it.

use super::format::Undo;
use super::recipe::{Context, Recipe};
use crate::schema::{ObjectKind, ObjectRef};
use crate::sql::write;

/// Lets the undo of each step give its comment to what it makes again.
pub(crate) fn comments(ctx: &Context<'_>, recipe: &mut Recipe) {
    for (object, comment) in &ctx.before.comments {
        let said = format!("COMMENT ON {} IS {}", write::object(object), write::literal(comment));
        for step in recipe.steps_mut() {
            let Undo::Sql { sql, .. } = &mut step.undo else { continue };
            if sql.iter().any(|statement| makes(statement, object)) && !sql.contains(&said) {
                sql.push(said.clone());
            }
        }
    }
}

/// Whether the statement makes a constraint or a trigger of that name.
#[expect(clippy::wildcard_enum_match_arm, reason = "what else has a comment is made again together with it")]
fn makes(statement: &str, object: &ObjectRef) -> bool {
    let Some(detail) = &object.detail else { return false };
    let (name, table) = (write::identifier(&detail.as_str().into()), write::name(&object.name));
    match object.kind {
        ObjectKind::TableConstraint => statement.starts_with(&format!("ALTER TABLE {table} ADD CONSTRAINT {name} ")),
        ObjectKind::Trigger => {
            statement.starts_with("CREATE ")
                && statement.contains(&format!("TRIGGER {name} "))
                && statement.contains(&format!(" ON {table} "))
        }
        _ => false,
    }
}
