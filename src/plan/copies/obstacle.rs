//! What can't be carried over to a second column. Changes nothing and names the first that it finds.

use super::{OfKeys, Replacement};
use crate::plan::recipe::Context;
use crate::schema::change::Grant;
use crate::schema::object::{ObjectKind, Trigger};
use crate::schema::table::ReplicaIdentity;
use crate::schema::{Column, Constraint, ConstraintKind, Lookup, ObjectRef, Table, TableKind};

impl Replacement<'_> {
    /// What can't be carried over to a second column.
    pub(crate) fn obstacle(&self, ctx: &Context<'_>) -> Option<String> {
        let catalog = ctx.before;
        let (table, from) = (self.table, self.from);
        let column = table.column(from)?;
        let refused = self.keys == OfKeys::Refused;
        if refused && table.primary_key().is_some_and(|key| key.columns.contains(from)) {
            return Some("it is part of the primary key".to_owned());
        }
        if refused && column.identity.is_some() {
            return Some("it is an identity column".to_owned());
        }
        if column.generated.is_some() {
            return Some("it is a generated column".to_owned());
        }
        let derived =
            table.columns.iter().find(|other| other.generated.as_ref().is_some_and(|generated| generated.expression.mentions(from)));
        if let Some(derived) = derived {
            return Some(format!("the generated column {} reads it", derived.name));
        }
        match &table.kind {
            TableKind::Partitioned { key, .. } if key.iter().any(|element| element.columns().any(|name| name == from)) => {
                return Some("it is part of the partition key".to_owned());
            }
            TableKind::Plain | TableKind::Partitioned { .. } => {}
            TableKind::Foreign { .. } => return Some("the table is a foreign table".to_owned()),
        }
        if !table.parents.is_empty() || table.partition_of.is_some() || table.of_type.is_some() {
            return Some("the table has its columns from another one".to_owned());
        }
        let inherits = |other: &Table| other.parents.contains(&table.name);
        if let Some(child) = catalog.tables.values().find(|other| inherits(other)) {
            return Some(format!("table {} inherits it", child.name));
        }
        self.constraint_obstacle(ctx).or_else(|| self.dependent_obstacle(ctx)).or_else(|| self.partition_obstacle(ctx))
    }

    /// What a partition has of its own over the column: a column added to the table above doesn't get that.
    fn partition_obstacle(&self, ctx: &Context<'_>) -> Option<String> {
        let above = self.table.column(self.from)?;
        for partition in ctx.below(&self.table.name) {
            let here = Replacement { table: partition, from: self.from, to: self.to, keys: self.keys };
            let own = || partition.column(self.from).and_then(|column| own_attribute(column, above));
            let own = own().or_else(|| here.own_rule(ctx)).or_else(|| here.said_of_it(ctx));
            let own = own.map(|own| format!("it has {own}"));
            if let Some(own) = own.or_else(|| here.constraint_obstacle(ctx)).or_else(|| here.dependent_obstacle(ctx)) {
                return Some(format!("{} is a partition, and {own}", partition.name));
            }
        }
        None
    }

    /// A constraint or an index over the column. Those that come from above are seen there.
    fn own_rule(&self, ctx: &Context<'_>) -> Option<String> {
        let is_own = |constraint: &&Constraint| {
            constraint.local && constraint.columns().contains(self.from) && !matches!(constraint.kind, ConstraintKind::NotNull { .. })
        };
        let constraint = self.table.constraints.iter().find(is_own).and_then(|constraint| constraint.name.clone());
        let index =
            || ctx.before.indexes_of(&self.table.name).find(|(_, index)| index.mentions(self.from)).map(|(name, _)| name.name.clone());
        constraint.or_else(index).map(|name| format!("{name} of its own over it"))
    }

    /// A comment on the column or a privilege for it.
    fn said_of_it(&self, ctx: &Context<'_>) -> Option<String> {
        let object = ObjectRef::part(ObjectKind::Column, self.table.name.clone(), self.from.as_str());
        let comment = ctx.before.comments.contains_key(&object).then_some("a comment of its own on it");
        let granted = |grant: &Grant| grant.object.name == self.table.name && grant.columns.contains(self.from);
        comment.or_else(|| ctx.before.grants.iter().any(granted).then_some("privileges of its own for it")).map(str::to_owned)
    }

    fn constraint_obstacle(&self, ctx: &Context<'_>) -> Option<String> {
        let (table, from) = (self.table, self.from);
        for constraint in &table.constraints {
            if let ConstraintKind::Exclude(_) = constraint.kind
                && constraint.columns().contains(from)
            {
                return Some("it is in an EXCLUDE constraint".to_owned());
            }
        }
        for other in ctx.before.tables.values().filter(|_| self.keys == OfKeys::Refused) {
            for constraint in &other.constraints {
                if let ConstraintKind::ForeignKey(key) = &constraint.kind
                    && key.references == table.name
                    && key.referenced_columns.contains(from)
                {
                    return Some(format!("a foreign key of {} references it", other.name));
                }
            }
        }
        if let ReplicaIdentity::Index(index) = &table.replica_identity
            && ctx.before.indexes_of(&table.name).any(|(name, found)| &name.name == index && found.mentions(from))
        {
            return Some(format!("the replica identity {index} is made of it"));
        }
        None
    }

    fn dependent_obstacle(&self, ctx: &Context<'_>) -> Option<String> {
        let (table, from) = (&self.table.name, self.from);
        let fires_on = |trigger: &Trigger| {
            &trigger.table == table && (trigger.update_of.contains(from) || trigger.when.as_ref().is_some_and(|when| when.mentions(from)))
        };
        if let Some(trigger) = ctx.before.triggers.values().find(|trigger| fires_on(trigger)) {
            return Some(format!("trigger {} fires on it", trigger.name));
        }
        for definition in &ctx.before.definitions {
            let on_table = &definition.object.name == table || definition.depends_on.iter().any(|object| &object.name == table);
            let named = definition.create.mentions(from)
                || definition.depends_on.iter().any(|object| {
                    object.kind == ObjectKind::Column && &object.name == table && object.detail.as_deref() == Some(from.as_str())
                });
            if on_table && named {
                return Some(format!("{} depends on it", describe(&definition.object)));
            }
        }
        let reader =
            ctx.before.routines.values().find(|routine| routine.reads.iter().any(|(name, column)| name == table && column == from));
        if let Some(routine) = reader {
            return Some(format!("function {} reads it", routine.name));
        }
        // A view that comes later in the release reads the first column too, until it goes.
        ctx.before.views.values().chain(ctx.new.views.values()).find_map(|view| match &view.reads {
            Lookup::Known(reads) if !reads.iter().any(|(name, column)| name == table && column == from) => None,
            Lookup::Known(_) => Some(format!("view {} reads it", view.name)),
            Lookup::Absent => None,
            Lookup::Unknown => Some(format!("what view {} reads can't be told", view.name)),
        })
    }
}

fn describe(object: &crate::schema::ObjectRef) -> String {
    match &object.detail {
        Some(detail) => format!("{:?} {detail}", object.kind).to_lowercase(),
        None => format!("{:?} {}", object.kind, object.name).to_lowercase(),
    }
}

/// What is said of a partition's column and not of the same column above.
fn own_attribute(column: &Column, above: &Column) -> Option<String> {
    let differs = [
        (column.default != above.default, "a DEFAULT"),
        (column.not_null != above.not_null, "a NOT NULL"),
        (column.statistics != above.statistics, "a statistics target"),
        (column.storage != above.storage, "a storage"),
        (column.compression != above.compression, "a compression"),
        (column.options != above.options, "options"),
    ];
    differs.into_iter().find(|(differs, _)| *differs).map(|(_, what)| format!("{what} of its own for it"))
}
