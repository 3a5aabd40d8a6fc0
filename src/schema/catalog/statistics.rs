//! Extended statistics: named as the database names them, and copied by LIKE. Must never know more of them than their text says.

use std::sync::Arc;

use super::Catalog;
use super::names;
use super::walk;
use crate::schema::name::Name;
use crate::schema::object::{Definition, ObjectKind, ObjectRef};
use crate::schema::text::{Part, Sql};

/// After which the name stands.
const KEYWORD: &str = "statistics";

impl Catalog {
    /// `CREATE STATISTICS ON …` with the name that the database makes up.
    ///
    /// PostgreSQL's `ChooseExtendedStatisticName` (`src/backend/commands/statscmds.c`).
    pub(super) fn named_statistics(&self, definition: &Definition) -> Definition {
        let unnamed = definition.object.kind == ObjectKind::Statistics && definition.object.name.name.as_str().is_empty();
        match walk::owner_of(definition) {
            Some(table) if unnamed => {
                let name = self.choose_statistics_name(&table, &definition.create);
                with_name(definition, &name)
            }
            Some(_) | None => definition.clone(),
        }
    }

    /// The statistics of one table on another, under names that are made up.
    pub(super) fn copy_statistics(&mut self, from: &Name, to: &Name) {
        let about = |definition: &&Arc<Definition>| {
            definition.object.kind == ObjectKind::Statistics && walk::owner_of(definition).as_ref() == Some(from)
        };
        let originals: Vec<Arc<Definition>> = self.definitions.iter().filter(about).cloned().collect();
        for original in originals {
            let mut copy = (*original).clone();
            copy.depends_on = vec![ObjectRef::new(ObjectKind::Table, to.clone())];
            for part in &mut copy.create.parts {
                if matches!(part, Part::Relation(name) if name == from) {
                    *part = Part::Relation(to.clone());
                }
            }
            copy.alters.clear();
            let name = self.choose_statistics_name(to, &copy.create);
            self.definitions.push(Arc::new(with_name(&copy, &name)));
        }
    }

    fn choose_statistics_name(&self, table: &Name, create: &Sql) -> Name {
        let columns = elements(create);
        let addition = names::addition(columns.iter().map(String::as_str));
        let chosen = names::choose(table.name.as_str(), Some(&addition), "stat", |name| {
            self.definition(ObjectKind::Statistics, &table.sibling(name.clone())).is_some()
        });
        table.sibling(chosen)
    }
}

/// What statistics are about: a column's name, or `expr`.
fn elements(create: &Sql) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut begun = false;
    for part in &create.parts {
        match part {
            Part::Text(text) => {
                for c in text.chars() {
                    match c {
                        '(' if depth == 0 && begun => {
                            names.push("expr".to_owned());
                            depth = 1;
                        }
                        '(' => depth += 1,
                        ')' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                }
                begun |= text.to_ascii_lowercase().split_whitespace().any(|word| word == "on" || word.starts_with("on("));
            }
            Part::Column { name, .. } if depth == 0 => {
                begun = true;
                names.push(name.as_str().to_owned());
            }
            Part::Relation(_) => break,
            Part::Column { .. } | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => {}
        }
    }
    names
}

/// The statement with another name, or with one where it had none.
fn with_name(definition: &Definition, name: &Name) -> Definition {
    let mut named = definition.clone();
    let old = std::mem::replace(&mut named.object.name, name.clone());
    let parts = &mut named.create.parts;
    if let Some(own) = parts.iter_mut().find(|part| matches!(part, Part::Function(own) if own.name == old.name)) {
        *own = Part::Function(name.clone());
    } else if let Some(Part::Text(text)) = parts.first().cloned()
        && let Some(keyword) = text.to_ascii_lowercase().find(KEYWORD)
    {
        let (before, after) = text.split_at(keyword + KEYWORD.len());
        let pieces = [Part::Text(format!("{before} ")), Part::Function(name.clone()), Part::Text(after.to_owned())];
        parts.splice(0..1, pieces);
    }
    named
}
