//! What hangs on a column that is part of a key: the primary key itself, the foreign keys that reference it, its identity.
//! They change columns in the transaction in which the second column takes the first one's name. Must never leave a moment
//! in which a key is not enforced.

use super::copies;
use super::draft::Draft;
use super::generated::generated_name;
use super::recipe::{Context, add_index, add_unique, set_not_null};
use super::refusal::Refusal;
use super::release::Planned;
use crate::engine::LockMode;
use crate::schema::object::{ObjectKind, Sequence};
use crate::schema::{
    Catalog, Change, Constraint, ConstraintKind, Identifier, IdentityKind, Index, Key, Name, Table, TableKind, Timing, Validity,
};
use crate::sql::write;

/// A primary key that the release drops holds the column until contract: it would hold the one that hands over its name.
fn refuse_key_that_goes(ctx: &Context<'_>, table: &Table, column: &Identifier) -> Result<(), Refusal> {
    let key = |table: &Table| {
        table.constraints.iter().find(|one| matches!(&one.kind, ConstraintKind::PrimaryKey(key) if key.columns.contains(column))).cloned()
    };
    let before = ctx.old.tables.get(ctx.name_before_release(&table.name)).and_then(|before| key(before));
    match before {
        Some(gone) if key(table).is_none() => Err(ctx.refuse(
            format!("{column} is in the primary key of {} at the start, which goes in the same release", table.name),
            format!(
                "drop {} in a release before the one that changes the type",
                gone.name.map_or_else(|| "the key".to_owned(), |name| name.to_string())
            ),
        )),
        Some(_) | None => Ok(()),
    }
}

/// The primary key, with an index for each of the two columns.
struct Primary {
    name: Identifier,
    timing: Timing,
    /// Over the second column: becomes the primary key.
    next: Index,
    /// Over the first: what undo makes the primary key again.
    twin: Index,
    /// Whether the table is clustered on it.
    clustered: bool,
}

/// A foreign key of another table, or of the same.
struct Referrer {
    table: Name,
    constraint: Constraint,
}

/// What hangs on one column.
pub(crate) struct Keys {
    table: Name,
    primary: Option<Primary>,
    referrers: Vec<Referrer>,
    identity: Option<(IdentityKind, Sequence)>,
    /// The comment and the privileges of the identity's sequence, which is made anew.
    said: Vec<String>,
}

impl Keys {
    /// Of the column `from`, beside which `to` is built.
    pub(crate) fn of(ctx: &Context<'_>, table: &Table, from: &Identifier, to: &Identifier) -> Result<Self, Refusal> {
        refuse_key_that_goes(ctx, table, from)?;
        let primary = table.constraints.iter().find_map(|constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey(key) if key.columns.contains(from) => Some(primary(table, constraint, key, from, to)),
            ConstraintKind::PrimaryKey(_)
            | ConstraintKind::NotNull { .. }
            | ConstraintKind::Check { .. }
            | ConstraintKind::Unique(_)
            | ConstraintKind::ForeignKey(_)
            | ConstraintKind::Exclude(_) => None,
        });
        let identity = table
            .column(from)
            .and_then(|column| column.identity.as_ref())
            .and_then(|identity| ctx.before.sequences.get(&identity.sequence).map(|sequence| (identity.kind, sequence.as_ref().clone())));
        let said = identity
            .iter()
            .flat_map(|(_, sequence)| copies::said_of(ctx.before, ObjectKind::Sequence, "SEQUENCE", &sequence.name))
            .collect();
        let keys = Self { table: table.name.clone(), primary: primary.flatten(), referrers: referrers(ctx, table, from)?, said, identity };
        if matches!(table.kind, TableKind::Partitioned { .. }) && (keys.primary.is_some() || !keys.referrers.is_empty()) {
            return Err(ctx.refuse(
                format!("{} is partitioned and {from} is part of a key, which can't be built beside it without a lock", table.name),
                "accept the lock with `-- concertina: strategy direct`",
            ));
        }
        Ok(keys)
    }

    /// Steps that build what the exchange needs.
    pub(crate) fn build(&self) -> Vec<Draft> {
        let mut steps = Vec::new();
        if let Some(primary) = &self.primary {
            steps.push(add_index::build(&primary.next).because(format!("it becomes {} when the columns change names", primary.name)));
            steps.push(
                add_index::build(&primary.twin)
                    .because(format!("going back makes it {} again without building it under a lock", primary.name)),
            );
        }
        // Going back adds the foreign keys again without reading the tables; this step's undo then checks their rows.
        steps.extend(self.checked().map(|referrer| {
            let mut step = referrer.validate();
            "its undo checks the rows once the foreign key has been made again".clone_into(&mut step.why);
            step.about = format!("see that {} of {} is valid", referrer.name(), referrer.table);
            let sql = step.sql.clone();
            step.undone_by(sql)
        }));
        steps
    }

    /// Steps that check, while writers go on, what the exchange has added without reading.
    pub(crate) fn validate(&self) -> Vec<Draft> {
        self.checked().map(Referrer::validate).collect()
    }

    fn checked(&self) -> impl Iterator<Item = &Referrer> {
        self.referrers.iter().filter(|referrer| referrer.constraint.validity == Validity::Valid)
    }

    /// The tables that the exchange locks beside its own.
    pub(crate) fn children(&self) -> Vec<Name> {
        let mut names: Vec<Name> =
            self.referrers.iter().map(|referrer| referrer.table.clone()).filter(|name| name != &self.table).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Statements that let go of the column that has the name now.
    pub(crate) fn let_go(&self) -> Vec<String> {
        let mut sql: Vec<String> = self
            .referrers
            .iter()
            .map(|referrer| format!("ALTER TABLE {} DROP CONSTRAINT {}", write::name(&referrer.table), write::identifier(referrer.name())))
            .collect();
        if let Some(primary) = &self.primary {
            sql.push(format!("ALTER TABLE {} DROP CONSTRAINT {}", write::name(&self.table), write::identifier(&primary.name)));
        }
        sql
    }

    /// Statements that take hold of the second column, once it has the name.
    pub(crate) fn take(&self) -> Vec<String> {
        self.hold(|primary| &primary.next)
    }

    /// Statements that take hold of the first column again.
    pub(crate) fn take_back(&self) -> Vec<String> {
        self.hold(|primary| &primary.twin)
    }

    fn hold(&self, index: impl Fn(&Primary) -> &Index) -> Vec<String> {
        let mut sql = Vec::new();
        if let Some(primary) = &self.primary {
            let index = index(primary);
            let step = add_unique::attach_as(
                &self.table,
                &primary.name,
                &add_index::name_of(index).name,
                primary.timing,
                add_unique::As::PrimaryKey,
            );
            sql.extend(step.sql);
            if primary.clustered {
                sql.push(format!("ALTER TABLE {} CLUSTER ON {}", write::name(&self.table), write::identifier(&primary.name)));
            }
        }
        for referrer in &self.referrers {
            let unchecked = Constraint { validity: Validity::NotValid, ..referrer.constraint.clone() };
            sql.push(format!("ALTER TABLE {} ADD {}", write::name(&referrer.table), write::constraint(&unchecked)));
        }
        sql
    }

    /// Statements that move the identity between two columns, its sequence going on where it was.
    pub(crate) fn move_identity(&self, from: &Identifier, to: &Identifier) -> Vec<String> {
        let Some((kind, sequence)) = &self.identity else { return Vec::new() };
        let kind = match kind {
            IdentityKind::Always => "ALWAYS",
            IdentityKind::ByDefault => "BY DEFAULT",
        };
        let table = write::name(&self.table);
        let called = write::name(&sequence.name);
        let moved = format!(
            "DO $concertina$ DECLARE reached record; BEGIN SELECT last_value, is_called INTO reached FROM {called}; \
             ALTER TABLE {table} ALTER COLUMN {} DROP IDENTITY; \
             ALTER TABLE {table} ALTER COLUMN {} ADD GENERATED {kind} AS IDENTITY (SEQUENCE NAME {called}{}); \
             PERFORM setval({}, reached.last_value, reached.is_called); END $concertina$",
            write::identifier(from),
            write::identifier(to),
            write::sequence_options(sequence),
            write::literal(&called),
        );
        [&[moved], self.said.as_slice()].concat()
    }
}

impl Referrer {
    fn name(&self) -> &Identifier {
        self.constraint.name.as_ref().unwrap_or(&self.table.name)
    }

    fn validate(&self) -> Draft {
        let subject = format!("{}.{}", self.table, self.name());
        let step = set_not_null::validate(&self.table, self.name(), &subject);
        match &self.constraint.kind {
            ConstraintKind::ForeignKey(key) => step.locks(&key.references, LockMode::RowShare, crate::engine::Held::Scan),
            ConstraintKind::PrimaryKey(_)
            | ConstraintKind::NotNull { .. }
            | ConstraintKind::Check { .. }
            | ConstraintKind::Unique(_)
            | ConstraintKind::Exclude(_) => step,
        }
    }
}

fn primary(table: &Table, constraint: &Constraint, key: &Key, from: &Identifier, to: &Identifier) -> Option<Primary> {
    let name = constraint.name.clone()?;
    let about = Identifier::new(format!("{name}_{from}"));
    let mut next = key.clone();
    for column in next.columns.iter_mut().chain(&mut next.include) {
        if column == from {
            *column = to.clone();
        }
    }
    Some(Primary {
        timing: constraint.timing,
        next: add_unique::index(&table.name, &generated_name("copy", &table.name, &about), &next),
        twin: add_unique::index(&table.name, &generated_name("twin", &table.name, &about), key),
        clustered: table.clustered_on.as_ref() == Some(&name),
        name,
    })
}

/// The foreign keys that reference the column, in the order of their tables.
fn referrers(ctx: &Context<'_>, table: &Table, from: &Identifier) -> Result<Vec<Referrer>, Refusal> {
    let found = referencing(ctx.before, &table.name, from);
    for referrer in &found {
        if let Some(child) = ctx.before.tables.get(&referrer.table) {
            refuse_child(ctx, table, from, child, &referrer.constraint.columns())?;
        }
    }
    // A foreign key that the release adds or drops is there, or is still there, until contract.
    let at_start = referencing(ctx.old, ctx.name_before_release(&table.name), from);
    let is_in =
        |all: &[Referrer], one: &Referrer| all.iter().any(|other| other.table == one.table && other.constraint.name == one.constraint.name);
    let gone = at_start.iter().find(|referrer| !is_in(&found, referrer));
    let new = found.iter().find(|referrer| !is_in(&at_start, referrer) && !ctx.is_new_table(&referrer.table));
    // A table that the release makes later is there, with its foreign keys, before the columns are exchanged.
    let at_end = referencing(ctx.new, &table.name, from);
    let on_new = |referrer: &&Referrer| !ctx.old.tables.contains_key(ctx.name_before_release(&referrer.table));
    let later = at_end.iter().filter(on_new).find(|referrer| !is_in(&found, referrer));
    match gone.or(new).or(later) {
        None => Ok(found),
        Some(referrer) => Err(ctx.refuse(
            format!(
                "the same release also changes the foreign key {} of {}, which references {}.{from}",
                referrer.name(),
                referrer.table,
                table.name
            ),
            "put one of the two into the next release",
        )),
    }
}

fn referencing(catalog: &Catalog, table: &Name, column: &Identifier) -> Vec<Referrer> {
    let mut found = Vec::new();
    for child in catalog.tables.values() {
        for constraint in &child.constraints {
            if let ConstraintKind::ForeignKey(key) = &constraint.kind
                && &key.references == table
                && key.referenced_columns.contains(column)
            {
                found.push(Referrer { table: child.name.clone(), constraint: constraint.clone() });
            }
        }
    }
    found
}

fn refuse_child(ctx: &Context<'_>, table: &Table, from: &Identifier, child: &Table, columns: &[Identifier]) -> Result<(), Refusal> {
    if matches!(child.kind, TableKind::Partitioned { .. }) || child.partition_of.is_some() {
        return Err(ctx.refuse(
            format!(
                "a foreign key of the partitioned table {} references {}.{from}, and can't be made again without reading it",
                child.name, table.name
            ),
            "drop it in an earlier release and add it again in a later one, or accept downtime with `-- concertina: strategy direct`",
        ));
    }
    let earlier = ctx.earlier().any(|item| {
        matches!(&item.planned, Planned::Change(Change::ChangeType { table, column, .. }) if table == &child.name && columns.contains(column))
    });
    if earlier {
        return Err(ctx.refuse(
            format!("{} references {}.{from}, and the release changes the referencing column first", child.name, table.name),
            format!("move the change of {}.{from} above the changes of the columns that reference it", table.name),
        ));
    }
    Ok(())
}
