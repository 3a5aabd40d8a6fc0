//! Subcommands of ALTER TABLE on a column, and of ALTER TYPE on an attribute. Each function is one subcommand.

use pg_query::{Node, NodeEnum};

use super::alter_table::Subcommand;
use super::column::{column, identity_kind};
use super::data_type::optional_data_type;
use super::index::listed;
use super::nodes::{behavior, elements, if_exists, option_names, options, plain};
use super::sequence::{sequence_options, without_defaults};
use crate::schema::change::AddColumn;
use crate::schema::{Change, DataType, Identifier, ObjectKind};
use crate::sql::postgres::mark::Owner;

pub(super) fn add(subcommand: &Subcommand<'_>) -> Option<Change> {
    let Some(NodeEnum::ColumnDef(written)) = subcommand.definition() else { return None };
    if subcommand.kind == ObjectKind::Type {
        return Some(Change::AddAttribute {
            name: subcommand.table(),
            attribute: Identifier::from(written.colname.as_str()),
            data_type: optional_data_type(written.type_name.as_ref()),
            collation: written.coll_clause.as_ref().and_then(|clause| listed(&clause.collname)),
            behavior: behavior(subcommand.node.behavior),
        });
    }
    let declared = column(subcommand.source, &subcommand.table, written);
    Some(Change::AddColumn(Box::new(AddColumn {
        table: subcommand.table(),
        column: declared.column,
        constraints: declared.constraints,
        serial: declared.serial,
        identity_options: declared.identity_options.unwrap_or_default(),
        if_not_exists: if_exists(subcommand.node.missing_ok),
    })))
}

pub(super) fn drop(subcommand: &Subcommand<'_>) -> Change {
    let (behavior, if_exists) = (behavior(subcommand.node.behavior), if_exists(subcommand.node.missing_ok));
    if subcommand.kind == ObjectKind::Type {
        return Change::DropAttribute { name: subcommand.table(), attribute: subcommand.name(), behavior, if_exists };
    }
    Change::DropColumn { table: subcommand.table(), column: subcommand.name(), behavior, if_exists }
}

pub(super) fn change_type(subcommand: &Subcommand<'_>) -> Option<Change> {
    let Some(NodeEnum::ColumnDef(written)) = subcommand.definition() else { return None };
    let data_type = optional_data_type(written.type_name.as_ref());
    let collation = written.coll_clause.as_ref().and_then(|clause| listed(&clause.collname));
    if subcommand.kind == ObjectKind::Type {
        let behavior = behavior(subcommand.node.behavior);
        return Some(Change::ChangeAttributeType { name: subcommand.table(), attribute: subcommand.name(), data_type, behavior });
    }
    let source = subcommand.source;
    let using = written.raw_default.as_deref().map(|expression| {
        let span = source.span(subcommand.after(&["USING"]), subcommand.to);
        source.mark(span, expression, Owner::Table(&subcommand.table, None))
    });
    Some(Change::ChangeType { table: subcommand.table(), column: subcommand.name(), data_type, collation, using })
}

pub(super) fn default(subcommand: &Subcommand<'_>) -> Change {
    let (table, column, source) = (subcommand.table(), subcommand.name(), subcommand.source);
    let only = subcommand.only;
    match subcommand.node.def.as_deref() {
        Some(expression) => {
            let span = source.span(subcommand.after(&["SET", "DEFAULT"]), subcommand.to);
            Change::SetDefault { default: source.mark(span, expression, Owner::Table(&table, None)), table, column, only }
        }
        None => Change::DropDefault { table, column, only },
    }
}

pub(super) fn set_expression(subcommand: &Subcommand<'_>) -> Option<Change> {
    let (table, source) = (subcommand.table(), subcommand.source);
    let expression = subcommand.node.def.as_deref()?;
    let open = subcommand.after(&["EXPRESSION", "AS"]);
    let expression = source.mark(source.span(open + 1, source.closing(open)), expression, Owner::Table(&table, None));
    Some(Change::SetExpression { table, column: subcommand.name(), expression })
}

pub(super) fn drop_expression(subcommand: &Subcommand<'_>) -> Change {
    Change::DropExpression { table: subcommand.table(), column: subcommand.name(), if_exists: if_exists(subcommand.node.missing_ok) }
}

pub(super) fn add_identity(subcommand: &Subcommand<'_>) -> Option<Change> {
    let Some(NodeEnum::Constraint(written)) = subcommand.definition() else { return None };
    // The column's type isn't known here, so only the defaults that all integers share are left away.
    let options = without_defaults(&sequence_options(&written.options).options, &DataType::built_in("int8"));
    let kind = identity_kind(&written.generated_when);
    Some(Change::AddIdentity { table: subcommand.table(), column: subcommand.name(), kind, options })
}

pub(super) fn set_identity(subcommand: &Subcommand<'_>) -> Change {
    let is_kind = |node: &&Node| elements(std::slice::from_ref(*node)).any(|element| element.defname == "generated");
    let kind = subcommand.list().iter().find(is_kind).map(kind_of);
    let others: Vec<Node> = subcommand.list().iter().filter(|node| !is_kind(node)).cloned().collect();
    let options = sequence_options(&others).options;
    Change::SetIdentity { table: subcommand.table(), column: subcommand.name(), kind, options }
}

/// The grammar gives the letter of the choice as a number.
fn kind_of(node: &Node) -> crate::schema::IdentityKind {
    let code: String = elements(std::slice::from_ref(node)).filter_map(|element| element.arg.as_deref()).map(plain).collect();
    identity_kind(if code == u32::from('a').to_string() { "a" } else { "d" })
}

pub(super) fn drop_identity(subcommand: &Subcommand<'_>) -> Change {
    Change::DropIdentity { table: subcommand.table(), column: subcommand.name(), if_exists: if_exists(subcommand.node.missing_ok) }
}

pub(super) fn set_statistics(subcommand: &Subcommand<'_>) -> Change {
    // Both -1 and DEFAULT leave it to the server's setting.
    let target = subcommand.node.def.as_deref().map(plain).and_then(|text| text.parse().ok()).filter(|target| *target >= 0);
    match u16::try_from(subcommand.node.num) {
        Ok(column) if subcommand.node.name.is_empty() => Change::SetIndexStatistics { index: subcommand.table(), column, target },
        _ => Change::SetColumnStatistics { table: subcommand.table(), column: subcommand.name(), target },
    }
}

pub(super) fn set_options(subcommand: &Subcommand<'_>) -> Change {
    Change::SetColumnOptions { table: subcommand.table(), column: subcommand.name(), options: options(subcommand.list()) }
}

pub(super) fn reset_options(subcommand: &Subcommand<'_>) -> Change {
    Change::ResetColumnOptions { table: subcommand.table(), column: subcommand.name(), options: option_names(subcommand.list()) }
}

pub(super) fn set_storage(subcommand: &Subcommand<'_>) -> Change {
    let storage = subcommand.node.def.as_deref().map(plain).unwrap_or_default().to_uppercase();
    Change::SetStorage { table: subcommand.table(), column: subcommand.name(), storage }
}

pub(super) fn set_compression(subcommand: &Subcommand<'_>) -> Change {
    let method = subcommand.node.def.as_deref().map(plain).filter(|method| method != "default");
    Change::SetCompression { table: subcommand.table(), column: subcommand.name(), compression: method.map(Identifier::from) }
}
