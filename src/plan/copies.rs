//! Carry-over: what a second column must have of the first, built beside it and given the first one's names in contract.
//! What can't be carried over is refused by name.

mod obstacle;

use super::draft::Draft;
use super::format::HazardKind;
use super::generated::generated_name;
use super::probe;
use super::recipe::add_check::add_not_valid;
use super::recipe::{Context, add_foreign_key, add_index, add_unique, set_not_null};
use super::refusal::Refusal;
use super::release::Planned;
use crate::engine::{Held, LockMode};
use crate::schema::object::{ObjectKind, ObjectRef};
use crate::schema::{
    Catalog, Change, Constraint, ConstraintKind, Identifier, Index, IndexElement, IndexKey, Name, Part, Sql, Table, TableKind, Uniqueness,
};
use crate::sql::write;

/// One column that takes the place of another.
pub(crate) struct Replacement<'a> {
    pub(crate) table: &'a Table,
    pub(crate) from: &'a Identifier,
    /// What the new column is called while both are there.
    pub(crate) to: &'a Identifier,
    /// What becomes of keys and of the identity.
    pub(crate) keys: OfKeys,
}

/// Whether somebody else takes care of primary keys, foreign keys that reference the column, and its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfKeys {
    Refused,
    TakenCareOf,
}

/// What is built beside the original.
enum Copy {
    Index { original: Identifier, copy: Index },
    Unique { original: Identifier, copy: Index, constraint: Constraint },
    Constraint { original: Identifier, copy: Constraint },
}

/// Everything that is built beside its original.
pub(crate) struct Copies {
    table: Name,
    copies: Vec<Copy>,
}

impl Replacement<'_> {
    /// What must be built. A refusal if the column has what can't be carried over.
    pub(crate) fn copies(&self, ctx: &Context<'_>) -> Result<Copies, Refusal> {
        self.refuse(ctx)?;
        let mut copies = Vec::new();
        for constraint in &self.table.constraints {
            if constraint.columns().contains(self.from) {
                copies.extend(self.of_constraint(constraint));
            }
        }
        for (name, index) in ctx.before.indexes_of(&self.table.name) {
            if index.constraint.is_none() && index.mentions(self.from) {
                copies.push(Copy::Index { original: name.name.clone(), copy: self.index(index, &name.name) });
            }
        }
        if !copies.is_empty() && matches!(self.table.kind, TableKind::Partitioned { .. }) {
            return Err(ctx.refuse(
                format!(
                    "{} is partitioned and {} is in an index or a constraint, which can't be built beside it without a lock",
                    self.table.name, self.from
                ),
                "accept the lock with `-- concertina: strategy direct`",
            ));
        }
        Ok(Copies { table: self.table.name.clone(), copies })
    }

    fn of_constraint(&self, constraint: &Constraint) -> Option<Copy> {
        let original = constraint.name.clone()?;
        let mut copy = constraint.clone();
        copy.name = Some(self.copy_name(&original, constraint.columns().len()));
        match &mut copy.kind {
            ConstraintKind::Check { expression } => *expression = expression.with_own_column_renamed(self.from, self.to),
            ConstraintKind::ForeignKey(key) => {
                self.replace(&mut key.columns);
                self.replace(&mut key.on_delete_columns);
                if key.references == self.table.name {
                    self.replace(&mut key.referenced_columns);
                }
            }
            ConstraintKind::Unique(key) => {
                self.replace(&mut key.columns);
                self.replace(&mut key.include);
                let index = add_unique::index(&self.table.name, &self.copy_name(&original, constraint.columns().len()), key);
                return Some(Copy::Unique { original, copy: index, constraint: copy });
            }
            // NOT NULL is carried over with the column; the other two are refused.
            ConstraintKind::NotNull { .. } | ConstraintKind::PrimaryKey(_) | ConstraintKind::Exclude(_) => return None,
        }
        Some(Copy::Constraint { original, copy })
    }

    fn index(&self, index: &Index, original: &Identifier) -> Index {
        let mut copy = index.clone();
        let read = self.table.columns.iter().filter(|column| index.mentions(&column.name)).count();
        copy.name = Some(self.copy_name(original, read.max(index.elements.len())));
        for element in &mut copy.elements {
            self.replace_in(element);
        }
        self.replace(&mut copy.include);
        copy.predicate = copy.predicate.map(|predicate| predicate.with_own_column_renamed(self.from, self.to));
        copy
    }

    fn replace_in(&self, element: &mut IndexElement) {
        match &mut element.key {
            IndexKey::Column(name) if name == self.from => *name = self.to.clone(),
            IndexKey::Column(_) => {}
            IndexKey::Expression(sql) => *sql = sql.with_own_column_renamed(self.from, self.to),
        }
    }

    fn replace(&self, columns: &mut [Identifier]) {
        for column in columns {
            if column == self.from {
                *column = self.to.clone();
            }
        }
    }

    /// Two columns of one index may be replaced in one release, each with its copy.
    fn copy_name(&self, original: &Identifier, columns: usize) -> Identifier {
        if columns > 1 {
            return generated_name("copy", &self.table.name, &Identifier::new(format!("{original}_{}", self.from)));
        }
        generated_name("copy", &self.table.name, original)
    }

    fn refuse(&self, ctx: &Context<'_>) -> Result<(), Refusal> {
        match self.obstacle(ctx) {
            None => Ok(()),
            Some(obstacle) => Err(ctx.refuse(
                format!("{}.{} can't be replaced by a second column: {obstacle}", self.table.name, self.from),
                "change that first, in an earlier release, or accept downtime with `-- concertina: strategy direct`",
            )),
        }
    }
}

impl Copies {
    /// Steps that build them, once the new column is filled.
    pub(crate) fn build(&self, ctx: &Context<'_>) -> Vec<Draft> {
        self.copies
            .iter()
            .flat_map(|copy| self.build_one(ctx, copy))
            .map(|mut draft| {
                // What the original demands already isn't news to any client.
                draft.hazards.retain(|hazard| hazard.kind != HazardKind::RefusesWrites);
                draft
            })
            .collect()
    }

    fn build_one(&self, _ctx: &Context<'_>, copy: &Copy) -> Vec<Draft> {
        let why =
            |original: &Identifier| format!("the second column needs what {original} gives the first; it takes that name in contract");
        match copy {
            Copy::Index { original, copy } => {
                let build = add_index::build(copy).because(why(original));
                vec![if copy.uniqueness == Uniqueness::Unique { collides(build, original) } else { build }]
            }
            Copy::Unique { original, copy, constraint } => {
                let name = copy.name.clone().unwrap_or_else(|| original.clone());
                vec![
                    collides(add_index::build(copy).because(why(original)), original),
                    add_unique::attach(&self.table, &name, constraint.timing, add_unique::As::Unique),
                ]
            }
            Copy::Constraint { original, copy } => {
                let name = copy.name.clone().unwrap_or_else(|| original.clone());
                let subject = format!("{}.{name}", self.table);
                let add = match &copy.kind {
                    ConstraintKind::ForeignKey(key) => add_foreign_key::add(&self.table, copy, &name, key),
                    ConstraintKind::Check { .. }
                    | ConstraintKind::NotNull { .. }
                    | ConstraintKind::Unique(_)
                    | ConstraintKind::PrimaryKey(_)
                    | ConstraintKind::Exclude(_) => add_not_valid(&self.table, copy, &name),
                };
                let mut steps = vec![add.because(why(original))];
                if copy.validity == crate::schema::Validity::Valid {
                    steps.push(set_not_null::validate(&self.table, &name, &subject));
                }
                steps
            }
        }
    }

    /// Statements that give the copies their originals' names, once those are gone with the first column, and what was said of them.
    pub(crate) fn take_names(&self, ctx: &Context<'_>) -> Vec<String> {
        let names = self.renames(ctx);
        let said = self.originals().flat_map(|original| self.said(ctx.new, &self.ends_as(ctx, original)));
        names.into_iter().chain(said).collect()
    }

    /// What the original is called at the end of the release.
    fn ends_as(&self, ctx: &Context<'_>, original: &Identifier) -> Identifier {
        ctx.later().fold(original.clone(), |name, item| match &item.planned {
            Planned::Change(Change::RenameConstraint { table, constraint, to }) if table == &self.table && *constraint == name => {
                to.clone()
            }
            Planned::Change(Change::RenameIndex { index, to, .. }) if *index == self.table.sibling(name.clone()) => to.clone(),
            Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => name,
        })
    }

    fn said(&self, catalog: &Catalog, original: &Identifier) -> Vec<String> {
        let mut said = said_of(catalog, ObjectKind::Index, "INDEX", &self.table.sibling(original.clone()));
        let rule = ObjectRef::part(ObjectKind::TableConstraint, self.table.clone(), original.as_str());
        said.extend(catalog.comments.get(&rule).map(|text| format!("COMMENT ON {} IS {}", write::object(&rule), write::literal(text))));
        said
    }

    fn renames(&self, ctx: &Context<'_>) -> Vec<String> {
        let table = write::name(&self.table);
        self.copies
            .iter()
            .map(|copy| match copy {
                Copy::Index { original, copy } => {
                    format!(
                        "ALTER INDEX {} RENAME TO {}",
                        write::name(&add_index::name_of(copy)),
                        write::identifier(&self.ends_as(ctx, original))
                    )
                }
                Copy::Unique { original, constraint, .. } | Copy::Constraint { original, copy: constraint } => {
                    let name = constraint.name.as_ref().map(write::identifier).unwrap_or_default();
                    format!("ALTER TABLE {table} RENAME CONSTRAINT {name} TO {}", write::identifier(&self.ends_as(ctx, original)))
                }
            })
            .collect()
    }

    /// Whether one of them is a CHECK or an index with an expression or a predicate.
    pub(crate) fn has_expressions(&self) -> bool {
        self.copies.iter().any(|copy| match copy {
            Copy::Index { copy, .. } => {
                copy.predicate.is_some() || copy.elements.iter().any(|element| matches!(element.key, IndexKey::Expression(_)))
            }
            Copy::Unique { .. } => false,
            Copy::Constraint { copy, .. } => matches!(copy.kind, ConstraintKind::Check { .. }),
        })
    }

    /// The first of the originals that compares the column, under the name that it has in the copies, with a text constant: the
    /// database gives such a constant the type of the column.
    pub(crate) fn with_a_constant(&self, column: &Identifier) -> Option<&Identifier> {
        self.copies.iter().find_map(|copy| match copy {
            Copy::Index { original, copy } => {
                let expressions = copy.elements.iter().filter_map(|element| match &element.key {
                    IndexKey::Expression(sql) => Some(sql),
                    IndexKey::Column(_) => None,
                });
                expressions.chain(&copy.predicate).any(|sql| stands_beside_text(sql, column)).then_some(original)
            }
            Copy::Constraint { original, copy } => {
                matches!(&copy.kind, ConstraintKind::Check { expression } if stands_beside_text(expression, column)).then_some(original)
            }
            Copy::Unique { .. } => None,
        })
    }

    /// The names of the originals, which the rest of the release must leave alone.
    pub(crate) fn originals(&self) -> impl Iterator<Item = &Identifier> {
        self.copies.iter().map(|copy| match copy {
            Copy::Index { original, .. } | Copy::Unique { original, .. } | Copy::Constraint { original, .. } => original,
        })
    }

    /// The tables beside its own that a removal of the original constraints locks.
    pub(crate) fn referenced(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self
            .copies
            .iter()
            .filter_map(|copy| match copy {
                Copy::Constraint { copy, .. } => match &copy.kind {
                    ConstraintKind::ForeignKey(key) if key.references != self.table => Some(key.references.clone()),
                    ConstraintKind::ForeignKey(_)
                    | ConstraintKind::Check { .. }
                    | ConstraintKind::NotNull { .. }
                    | ConstraintKind::Unique(_)
                    | ConstraintKind::PrimaryKey(_)
                    | ConstraintKind::Exclude(_) => None,
                },
                Copy::Index { .. } | Copy::Unique { .. } => None,
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Statements that give the new column what only concerns its storage, its statistics, its comment and its privileges.
pub(crate) fn attributes(ctx: &Context<'_>, table: &Table, from: &Identifier, to: &Identifier) -> Vec<String> {
    let Some(column) = table.column(from) else { return Vec::new() };
    let relation = write::name(&table.name);
    let quoted = write::identifier(to);
    let alter = |what: String| format!("ALTER TABLE {relation} ALTER COLUMN {quoted} {what}");
    let mut sql = Vec::new();
    if let Some(storage) = &column.storage {
        sql.push(alter(format!("SET STORAGE {storage}")));
    }
    if let Some(compression) = &column.compression {
        sql.push(alter(format!("SET COMPRESSION {}", write::identifier(compression))));
    }
    if let Some(target) = column.statistics {
        sql.push(alter(format!("SET STATISTICS {target}")));
    }
    if !column.options.is_empty() {
        let options: Vec<String> =
            column.options.iter().map(|(key, value)| format!("{} = {value}", write::identifier(&key.as_str().into()))).collect();
        sql.push(alter(format!("SET ({})", options.join(", "))));
    }
    for (object, comment) in &ctx.before.comments {
        if object.kind == ObjectKind::Column && object.name == table.name && object.detail.as_deref() == Some(from.as_str()) {
            sql.push(format!("COMMENT ON COLUMN {relation}.{quoted} IS {}", write::literal(comment)));
        }
    }
    for grant in &ctx.before.grants {
        if grant.object.name == table.name && grant.columns.contains(from) {
            let grantee = if grant.grantee == "public" { "PUBLIC".to_owned() } else { write::identifier(&grant.grantee) };
            let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
            for privilege in &grant.privileges {
                sql.push(format!("GRANT {privilege} ({quoted}) ON {relation} TO {grantee}{option}"));
            }
        }
    }
    sql
}

/// Statements that give what takes an object's name its comment and its privileges, which went with the first one.
pub(crate) fn said_of(catalog: &Catalog, kind: ObjectKind, word: &str, name: &Name) -> Vec<String> {
    let mut sql = Vec::new();
    let quoted = write::name(name);
    for (object, comment) in &catalog.comments {
        if object.kind == kind && &object.name == name {
            sql.push(format!("COMMENT ON {word} {quoted} IS {}", write::literal(comment)));
        }
    }
    for grant in &catalog.grants {
        if grant.object.kind == kind && &grant.object.name == name {
            let grantee = if grant.grantee == "public" { "PUBLIC".to_owned() } else { write::identifier(&grant.grantee) };
            let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
            sql.extend(grant.privileges.iter().map(|privilege| format!("GRANT {privilege} ON {word} {quoted} TO {grantee}{option}")));
        }
    }
    sql
}

/// Locks the table first, and all others that the statements will touch with it, so that nothing waits half-way.
pub(crate) fn lock_first(table: &Name, others: &[Name]) -> String {
    let mut names = others.to_vec();
    names.push(table.clone());
    lock_all(&names)
}

/// Locks all tables that the statements will touch, in this order.
pub(crate) fn lock_all(tables: &[Name]) -> String {
    let names: Vec<String> = tables.iter().map(write::name).collect();
    format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", "))
}

/// The probe and the locks of a step that ends the life of the first column.
pub(crate) fn removes(draft: Draft, table: &Name, column: &Identifier, others: &[Name]) -> Draft {
    others
        .iter()
        .fold(draft, |draft, other| draft.locks(other, LockMode::AccessExclusive, Held::Brief))
        .locks(table, LockMode::AccessExclusive, Held::Brief)
        .probed(probe::column_gone(table, column))
}

/// ON CONFLICT rests on one index; what comes in beside it is an error of the other.
fn collides(draft: Draft, original: &Identifier) -> Draft {
    draft.hazard(
        HazardKind::UpsertsCollide,
        format!(
            "until contract a second unique index stands beside {original}: of two sessions that upsert one new key at the same moment (ON \
             CONFLICT), one may get \"duplicate key\" of the other index, and has to do it again"
        ),
    )
}

/// Whether a text constant stands in the same comparison as the column.
fn stands_beside_text(sql: &Sql, column: &Identifier) -> bool {
    let is_it = |part: Option<&Part>| matches!(part, Some(Part::Column { name, .. }) if name == column);
    let ends = |text: &str| text.to_ascii_lowercase().replace(" or ", " and ").split(" and ").map(str::to_owned).collect::<Vec<_>>();
    let quoted = |text: Option<&String>| text.is_some_and(|text| text.contains('\''));
    sql.parts.iter().enumerate().any(|(at, part)| match part {
        Part::Text(text) => {
            let comparisons = ends(text);
            at > 0 && is_it(sql.parts.get(at - 1)) && quoted(comparisons.first())
                || is_it(sql.parts.get(at + 1)) && quoted(comparisons.last())
        }
        Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => false,
    })
}
