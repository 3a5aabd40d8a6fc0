//! ALTER TABLE, also of indexes, views, sequences, types and foreign tables: each subcommand by itself. Never asks what kind of thing
//! the name really is: `ALTER TABLE` may be said of a view.

use pg_query::NodeEnum;
use pg_query::protobuf::{AlterTableCmd, AlterTableStmt, AlterTableType, ObjectType};

use super::alter_column as column;
use super::alter_relation as relation;
use super::constraint;
use super::name::relation_of;
use super::nodes::if_exists;
use crate::schema::change::Touches;
use crate::schema::{Change, Identifier, Name, ObjectKind, ObjectRef};
use crate::sql::postgres::source::Source;
use crate::sql::script::Lowered;

/// A subcommand with its place and what it is about.
pub(super) struct Subcommand<'a> {
    pub(super) source: &'a Source<'a>,
    /// The table, or whatever else the statement alters.
    pub(super) table: Name,
    /// Whether it is about that table alone (`ALTER TABLE ONLY`).
    pub(super) only: bool,
    pub(super) kind: ObjectKind,
    pub(super) node: &'a AlterTableCmd,
    /// The first token of the first subcommand.
    head: usize,
    /// Its first token.
    pub(super) from: usize,
    /// The token after its last.
    pub(super) to: usize,
}

/// `ALTER TABLE` and its kin.
pub(super) fn alter(source: &Source<'_>, statement: &AlterTableStmt) -> Vec<Lowered> {
    let table = relation_of(statement.relation.as_ref());
    let only = statement.relation.as_ref().is_some_and(|relation| !relation.inh);
    let nodes: Vec<&AlterTableCmd> = statement.cmds.iter().filter_map(subcommand_of).collect();
    let head = head(source, statement);
    let places = source.split(head, source.end());
    let kind = object_kind(statement.objtype());
    let lowered = nodes.iter().enumerate().map(|(number, node)| {
        // One piece a subcommand; should they not match, the whole statement is the best that can be said.
        let (from, to) = if places.len() == nodes.len() { places[number] } else { (head, source.end()) };
        let subcommand = Subcommand { source, table: table.clone(), only, kind, node, head, from, to };
        let mut lowered = source.lowered_at(source.span(from, to), subcommand.change());
        lowered.if_exists = if_exists(statement.missing_ok);
        lowered
    });
    lowered.collect()
}

fn subcommand_of(node: &pg_query::Node) -> Option<&AlterTableCmd> {
    match &node.node {
        Some(NodeEnum::AlterTableCmd(command)) => Some(command.as_ref()),
        _ => None,
    }
}

/// The token after the name of what is altered.
fn head(source: &Source<'_>, statement: &AlterTableStmt) -> usize {
    let name = source.at(statement.relation.as_ref().map_or(0, |relation| relation.location));
    let mut first = source.after_name(name);
    // `ALTER TABLE t * …` and `ALTER TABLE ONLY (t) …`.
    while matches!(source.token(first), "*" | ")") {
        first += 1;
    }
    first
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the grammar has no other kind here")]
fn object_kind(code: ObjectType) -> ObjectKind {
    match code {
        ObjectType::ObjectIndex => ObjectKind::Index,
        ObjectType::ObjectView => ObjectKind::View,
        ObjectType::ObjectMatview => ObjectKind::MaterializedView,
        ObjectType::ObjectSequence => ObjectKind::Sequence,
        ObjectType::ObjectType => ObjectKind::Type,
        ObjectType::ObjectForeignTable => ObjectKind::ForeignTable,
        _ => ObjectKind::Table,
    }
}

impl Subcommand<'_> {
    /// What it changes. Every kind is named here, so that a new one of a later grammar doesn't pass unseen.
    #[expect(clippy::too_many_lines, reason = "a table of all subcommands, one line each")]
    fn change(&self) -> Change {
        let made = match self.node.subtype() {
            AlterTableType::AtAddColumn | AlterTableType::AtAddColumnToView => column::add(self),
            AlterTableType::AtDropColumn => Some(column::drop(self)),
            AlterTableType::AtAlterColumnType => column::change_type(self),
            AlterTableType::AtColumnDefault => Some(column::default(self)),
            AlterTableType::AtDropNotNull => Some(Change::DropNotNull { table: self.table(), column: self.name() }),
            AlterTableType::AtSetNotNull => Some(Change::SetNotNull { table: self.table(), column: self.name() }),
            AlterTableType::AtSetExpression => column::set_expression(self),
            AlterTableType::AtDropExpression => Some(column::drop_expression(self)),
            AlterTableType::AtAddIdentity => column::add_identity(self),
            AlterTableType::AtSetIdentity => Some(column::set_identity(self)),
            AlterTableType::AtDropIdentity => Some(column::drop_identity(self)),
            AlterTableType::AtSetStatistics => Some(column::set_statistics(self)),
            AlterTableType::AtSetOptions => Some(column::set_options(self)),
            AlterTableType::AtResetOptions => Some(column::reset_options(self)),
            AlterTableType::AtSetStorage => Some(column::set_storage(self)),
            AlterTableType::AtSetCompression => Some(column::set_compression(self)),
            AlterTableType::AtAlterColumnGenericOptions => Some(relation::foreign_options(self, Some(self.name()))),

            AlterTableType::AtAddConstraint => constraint::add(self),
            AlterTableType::AtAlterConstraint => constraint::alter(self),
            AlterTableType::AtValidateConstraint => Some(constraint::validate(self)),
            AlterTableType::AtDropConstraint => Some(constraint::drop(self)),

            AlterTableType::AtChangeOwner => Some(relation::owner(self)),
            AlterTableType::AtClusterOn => Some(Change::ClusterOn { table: self.table(), index: Some(self.name()) }),
            AlterTableType::AtDropCluster => Some(Change::ClusterOn { table: self.table(), index: None }),
            AlterTableType::AtSetLogged => Some(relation::persistence(self, crate::schema::Persistence::Permanent)),
            AlterTableType::AtSetUnLogged => Some(relation::persistence(self, crate::schema::Persistence::Unlogged)),
            AlterTableType::AtDropOids => {
                Some(self.opaque("row identifiers are gone since PostgreSQL 12, so this does nothing", Touches::Nothing))
            }
            AlterTableType::AtSetAccessMethod => Some(relation::access_method(self)),
            AlterTableType::AtSetTableSpace => Some(Change::SetTablespace { table: self.table(), tablespace: self.name() }),
            AlterTableType::AtSetRelOptions => Some(relation::set_options(self)),
            AlterTableType::AtResetRelOptions => Some(relation::reset_options(self)),
            AlterTableType::AtGenericOptions => Some(relation::foreign_options(self, None)),
            AlterTableType::AtAddInherit => {
                relation::inheritance(self).map(|parent| Change::AddInheritance { table: self.table(), parent })
            }
            AlterTableType::AtDropInherit => {
                relation::inheritance(self).map(|parent| Change::DropInheritance { table: self.table(), parent })
            }
            AlterTableType::AtAddOf => Some(relation::of_type(self)),
            AlterTableType::AtDropOf => Some(Change::SetTypeOfTable { table: self.table(), of_type: None }),
            AlterTableType::AtReplicaIdentity => relation::replica_identity(self),
            AlterTableType::AtEnableRowSecurity => Some(relation::row_security(self, Some(true), None)),
            AlterTableType::AtDisableRowSecurity => Some(relation::row_security(self, Some(false), None)),
            AlterTableType::AtForceRowSecurity => Some(relation::row_security(self, None, Some(true))),
            AlterTableType::AtNoForceRowSecurity => Some(relation::row_security(self, None, Some(false))),
            AlterTableType::AtAttachPartition => relation::attach(self),
            AlterTableType::AtDetachPartition | AlterTableType::AtDetachPartitionFinalize => relation::detach(self),

            AlterTableType::AtEnableTrig
            | AlterTableType::AtEnableTrigAll
            | AlterTableType::AtEnableTrigUser
            | AlterTableType::AtEnableAlwaysTrig
            | AlterTableType::AtEnableReplicaTrig
            | AlterTableType::AtDisableTrig
            | AlterTableType::AtDisableTrigAll
            | AlterTableType::AtDisableTrigUser => Some(relation::enable_trigger(self)),
            AlterTableType::AtEnableRule => Some(relation::enable_rule(self, 'O')),
            AlterTableType::AtEnableAlwaysRule => Some(relation::enable_rule(self, 'A')),
            AlterTableType::AtEnableReplicaRule => Some(relation::enable_rule(self, 'R')),
            AlterTableType::AtDisableRule => Some(relation::enable_rule(self, 'D')),

            // The database makes these for itself while it works; no statement can say them.
            AlterTableType::Undefined
            | AlterTableType::AtCookedColumnDefault
            | AlterTableType::AtAddIndex
            | AlterTableType::AtReAddIndex
            | AlterTableType::AtReAddConstraint
            | AlterTableType::AtReAddDomainConstraint
            | AlterTableType::AtAddIndexConstraint
            | AlterTableType::AtReAddComment
            | AlterTableType::AtReplaceRelOptions
            | AlterTableType::AtReAddStatistics => None,
        };
        made.unwrap_or_else(|| self.opaque("this subcommand is not one that a statement can have", Touches::Objects(vec![self.object()])))
    }

    /// The name of what the statement alters.
    pub(super) fn table(&self) -> Name {
        self.table.clone()
    }

    /// The name of the column, constraint or the like that the subcommand is about.
    pub(super) fn name(&self) -> Identifier {
        Identifier::from(self.node.name.as_str())
    }

    /// What the statement alters.
    pub(super) fn object(&self) -> ObjectRef {
        ObjectRef { kind: self.kind, name: self.table(), detail: None }
    }

    /// The definition that comes with it.
    pub(super) fn definition(&self) -> Option<&NodeEnum> {
        self.node.def.as_ref()?.node.as_ref()
    }

    /// The nodes of a definition that is a list.
    pub(super) fn list(&self) -> &[pg_query::Node] {
        match self.definition() {
            Some(NodeEnum::List(list)) => &list.items,
            _ => &[],
        }
    }

    /// The token after these words.
    pub(super) fn after(&self, words: &[&str]) -> usize {
        self.source.find(self.from, self.to, |index| self.source.are(index, words)) + words.len()
    }

    fn opaque(&self, reason: &str, touches: Touches) -> Change {
        let text = |from, to| self.source.span(from, to).of(self.source.text());
        let statement = format!("{} {}", text(0, self.head), text(self.from, self.to));
        Change::Opaque { statement, reason: reason.to_owned(), touches }
    }
}
