//! What is said about objects: comments, owners, privileges.

use crate::schema::change::Grant;
use crate::schema::{Catalog, Identifier, ObjectKind, ObjectRef};
use crate::sql::write::{identifier, keyword, list, literal, name, object};

/// The statements about all objects for which `about` holds, owners first.
pub(super) fn remarks(catalog: &Catalog, about: impl Fn(&ObjectRef) -> bool) -> Vec<String> {
    let owners = catalog.owners.iter().filter(|(object, _)| about(object)).map(|(of, owner)| owned(of, owner));
    let comments = catalog.comments.iter().filter(|(object, _)| about(object)).map(|(on, text)| comment(on, text));
    let grants = catalog.grants.iter().filter(|grant| about(&grant.object)).map(grant);
    // Who has lost all has got the grants since; who has lost a part has lost it of the grants.
    let (all, part): (Vec<&Grant>, Vec<&Grant>) =
        catalog.revokes.iter().filter(|revoke| about(&revoke.object)).partition(|revoke| revoke.privileges.iter().any(|one| one == "ALL"));
    owners.chain(comments).chain(all.into_iter().map(revoke)).chain(grants).chain(part.into_iter().map(revoke)).collect()
}

fn owned(of: &ObjectRef, owner: &Identifier) -> String {
    format!("ALTER {} OWNER TO {};", object(of), identifier(owner))
}

fn comment(on: &ObjectRef, text: &str) -> String {
    format!("COMMENT ON {} IS {};", object(on), literal(text))
}

fn grant(grant: &Grant) -> String {
    let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
    format!("GRANT {} ON {} TO {}{option};", privileges(grant), granted_on(&grant.object), role(&grant.grantee))
}

fn revoke(revoke: &Grant) -> String {
    format!("REVOKE {} ON {} FROM {};", privileges(revoke), granted_on(&revoke.object), role(&revoke.grantee))
}

fn privileges(grant: &Grant) -> String {
    let columns = if grant.columns.is_empty() { String::new() } else { format!(" ({})", list(&grant.columns)) };
    grant.privileges.iter().map(|privilege| format!("{privilege}{columns}")).collect::<Vec<_>>().join(", ")
}

fn role(grantee: &Identifier) -> String {
    if grantee == "public" { "PUBLIC".to_owned() } else { identifier(grantee) }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other kinds are named as everywhere")]
fn granted_on(on: &ObjectRef) -> String {
    match on.kind {
        ObjectKind::Table | ObjectKind::View | ObjectKind::MaterializedView | ObjectKind::ForeignTable | ObjectKind::Column => {
            format!("TABLE {}", name(&on.name))
        }
        ObjectKind::ForeignServer => format!("FOREIGN SERVER {}", name(&on.name)),
        ObjectKind::Aggregate => format!("FUNCTION {}({})", name(&on.name), on.detail.as_deref().unwrap_or_default()),
        ObjectKind::Type | ObjectKind::Domain | ObjectKind::Schema => format!("{} {}", keyword(on.kind), name(&on.name)),
        _ => object(on),
    }
}

/// The name under which all that is said about an object and its parts stands together.
pub(super) fn subject(object: &ObjectRef) -> String {
    name(&object.name)
}
