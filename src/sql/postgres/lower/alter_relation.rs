//! Subcommands of ALTER TABLE on the table, index or view as a whole. Each function is one subcommand.

use pg_query::NodeEnum;
use pg_query::protobuf::{AlterTableType, DefElemAction, PartitionCmd};

use super::alter_table::Subcommand;
use super::name::{dotted, relation, relation_of};
use super::nodes::{concurrency, elements, letter, option_names, option_value, options, role};
use super::table::partition_bound;
use crate::schema::change::TriggerSelection;
use crate::schema::table::{Partition, ReplicaIdentity};
use crate::schema::{Change, Identifier, Name, ObjectKind, Persistence};

pub(super) fn owner(subcommand: &Subcommand<'_>) -> Change {
    Change::SetOwner { object: subcommand.object(), owner: role(subcommand.node.newowner.as_ref()) }
}

pub(super) fn persistence(subcommand: &Subcommand<'_>, persistence: Persistence) -> Change {
    Change::SetPersistence { table: subcommand.table(), persistence }
}

pub(super) fn access_method(subcommand: &Subcommand<'_>) -> Change {
    // Without a name it is DEFAULT.
    let method = Some(subcommand.name()).filter(|method| !method.as_str().is_empty());
    Change::SetAccessMethod { table: subcommand.table(), method }
}

pub(super) fn set_options(subcommand: &Subcommand<'_>) -> Change {
    let (name, options) = (subcommand.table(), options(subcommand.list()));
    if subcommand.kind == ObjectKind::Index {
        Change::SetIndexOptions { index: name, options }
    } else if is_view(subcommand) {
        Change::SetViewOptions { view: name, options }
    } else {
        Change::SetTableOptions { table: name, options }
    }
}

pub(super) fn reset_options(subcommand: &Subcommand<'_>) -> Change {
    let (name, options) = (subcommand.table(), option_names(subcommand.list()));
    if subcommand.kind == ObjectKind::Index {
        Change::ResetIndexOptions { index: name, options }
    } else if is_view(subcommand) {
        Change::ResetViewOptions { view: name, options }
    } else {
        Change::ResetTableOptions { table: name, options }
    }
}

fn is_view(subcommand: &Subcommand<'_>) -> bool {
    matches!(subcommand.kind, ObjectKind::View | ObjectKind::MaterializedView)
}

/// `OPTIONS (ADD a 'x', SET b 'y', DROP c)` of a foreign table or one of its columns.
pub(super) fn foreign_options(subcommand: &Subcommand<'_>, column: Option<Identifier>) -> Change {
    let options = elements(subcommand.list()).map(|element| {
        let value = (element.defaction() != DefElemAction::DefelemDrop).then(|| option_value(element));
        (element.defname.clone(), value)
    });
    Change::SetForeignOptions { table: subcommand.table(), column, options: options.collect() }
}

/// The parent in INHERIT and NO INHERIT.
pub(super) fn inheritance(subcommand: &Subcommand<'_>) -> Option<Name> {
    match subcommand.definition() {
        Some(NodeEnum::RangeVar(parent)) => Some(relation(parent)),
        _ => None,
    }
}

pub(super) fn of_type(subcommand: &Subcommand<'_>) -> Change {
    let of_type = match subcommand.definition() {
        Some(NodeEnum::TypeName(written)) => Some(dotted(&written.names)),
        _ => None,
    };
    Change::SetTypeOfTable { table: subcommand.table(), of_type }
}

pub(super) fn replica_identity(subcommand: &Subcommand<'_>) -> Option<Change> {
    let Some(NodeEnum::ReplicaIdentityStmt(written)) = subcommand.definition() else { return None };
    let identity = match letter(&written.identity_type) {
        'f' => ReplicaIdentity::Full,
        'n' => ReplicaIdentity::Nothing,
        'i' => ReplicaIdentity::Index(Identifier::from(written.name.as_str())),
        _ => ReplicaIdentity::Default,
    };
    Some(Change::SetReplicaIdentity { table: subcommand.table(), identity })
}

pub(super) fn row_security(subcommand: &Subcommand<'_>, enabled: Option<bool>, forced: Option<bool>) -> Change {
    Change::SetRowSecurity { table: subcommand.table(), enabled, forced }
}

pub(super) fn attach(subcommand: &Subcommand<'_>) -> Option<Change> {
    let written = partition(subcommand)?;
    let child = relation_of(written.name.as_ref());
    if subcommand.kind == ObjectKind::Index {
        return Some(Change::AttachIndex { index: subcommand.table(), child });
    }
    let bound = written.bound.as_ref()?;
    let name = subcommand.source.at(written.name.as_ref()?.location);
    let bound = partition_bound(subcommand.source, bound, subcommand.source.after_name(name));
    let bound = Partition { parent: subcommand.table(), bound };
    Some(Change::AttachPartition { table: subcommand.table(), partition: child, bound })
}

pub(super) fn detach(subcommand: &Subcommand<'_>) -> Option<Change> {
    let written = partition(subcommand)?;
    Some(Change::DetachPartition {
        table: subcommand.table(),
        partition: relation_of(written.name.as_ref()),
        concurrency: concurrency(written.concurrent),
        finalize: subcommand.node.subtype() == AlterTableType::AtDetachPartitionFinalize,
    })
}

fn partition<'a>(subcommand: &'a Subcommand<'_>) -> Option<&'a PartitionCmd> {
    match subcommand.definition() {
        Some(NodeEnum::PartitionCmd(written)) => Some(written),
        _ => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only subcommands on triggers come here, and this is the one left")]
pub(super) fn enable_trigger(subcommand: &Subcommand<'_>) -> Change {
    use AlterTableType as Type;
    let (enabled, all) = match subcommand.node.subtype() {
        Type::AtEnableTrigAll => ('O', Some(TriggerSelection::All)),
        Type::AtEnableTrigUser => ('O', Some(TriggerSelection::User)),
        Type::AtEnableAlwaysTrig => ('A', None),
        Type::AtEnableReplicaTrig => ('R', None),
        Type::AtDisableTrig => ('D', None),
        Type::AtDisableTrigAll => ('D', Some(TriggerSelection::All)),
        Type::AtDisableTrigUser => ('D', Some(TriggerSelection::User)),
        _ => ('O', None),
    };
    let triggers = all.unwrap_or_else(|| TriggerSelection::Named(subcommand.name()));
    Change::EnableTrigger { table: subcommand.table(), triggers, enabled }
}

pub(super) fn enable_rule(subcommand: &Subcommand<'_>, enabled: char) -> Change {
    Change::EnableRule { table: subcommand.table(), rule: subcommand.name(), enabled }
}
