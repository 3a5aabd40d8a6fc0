//! A schema as the generator knows it: just enough that the next statement fits. Never asks the code under test.

use std::collections::BTreeSet;

use super::data_type::{Family, Type};
use super::name::{fresh, list, quoted};
use super::picks::Picks;

/// All that is there.
#[derive(Debug, Clone, Default)]
pub(super) struct Schema {
    pub(super) tables: Vec<Table>,
    pub(super) views: Vec<View>,
    pub(super) enums: Vec<Enum>,
    /// Names of relations, constraints and types that are in use, or were when the release began.
    taken: BTreeSet<String>,
    /// How many tables there have been.
    count: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Table {
    /// What it is told apart by, whatever it is called.
    pub(super) number: usize,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) rules: Vec<Rule>,
    pub(super) indexes: Vec<Index>,
    /// The column by which it is partitioned, and how.
    pub(super) partitioned: Option<(String, &'static str)>,
    /// Names of columns that are in use, or were when the release began.
    taken: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) data_type: Type,
    pub(super) not_null: bool,
    pub(super) made: Made,
}

/// Who gives a column its value where clients give none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Made {
    ByClients,
    ByDefault,
    BySequence,
    /// Of this other column.
    From(String),
}

/// A constraint.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// None where PostgreSQL has made up one.
    pub(super) name: Option<String>,
    pub(super) kind: Kind,
    pub(super) columns: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    Unique,
    Check(String),
    References { table: usize, columns: Vec<String>, actions: &'static str },
}

#[derive(Debug, Clone)]
pub(super) struct Index {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<String>,
    /// What follows the table's name.
    pub(super) over: String,
    pub(super) unique: bool,
}

#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) path: String,
    pub(super) table: usize,
    pub(super) columns: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Enum {
    pub(super) path: String,
    pub(super) labels: Vec<String>,
}

/// The schemas that tables are in; the plain one first, and most often.
pub(super) const SCHEMAS: &[&str] = &["public", "public", "public", "app", "Odd Schema"];

impl Schema {
    /// From here on names that were given up before may be used again.
    pub(super) fn begin_release(&mut self) {
        self.taken.clear();
        let in_use = self.tables.iter().flat_map(|table| {
            let rules = table.rules.iter().filter_map(|rule| rule.name.clone());
            let indexes = table.indexes.iter().filter_map(|index| index.name.clone());
            rules.chain(indexes).chain([table.name.clone()])
        });
        self.taken.extend(in_use);
        self.taken
            .extend(self.views.iter().map(|view| &view.path).chain(self.enums.iter().map(|found| &found.path)).map(|path| last(path)));
        for table in &mut self.tables {
            table.taken = table.columns.iter().map(|column| column.name.clone()).collect();
        }
    }

    /// A name for a relation, a constraint or a type.
    pub(super) fn name(&mut self, picks: &mut Picks) -> String {
        let name = fresh(picks, |name| self.taken.contains(name));
        self.taken.insert(name.clone());
        name
    }

    /// A name, or none: then PostgreSQL makes up one.
    pub(super) fn name_or_none(&mut self, picks: &mut Picks) -> Option<String> {
        if picks.once_in(4) { None } else { Some(self.name(picks)) }
    }

    pub(super) fn next_number(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    /// The place of a table.
    pub(super) fn any_table(&self, picks: &mut Picks) -> Option<usize> {
        (!self.tables.is_empty()).then(|| picks.below(self.tables.len()))
    }

    /// Whether a view reads the column.
    pub(super) fn is_viewed(&self, table: &Table, column: &str) -> bool {
        self.views.iter().any(|view| view.table == table.number && view.columns.iter().any(|name| name == column))
    }

    /// Whether a foreign key leads to the table, or to that column of it.
    pub(super) fn is_referenced(&self, table: &Table, column: Option<&str>) -> bool {
        let leads_here = |rule: &Rule| match &rule.kind {
            Kind::References { table: number, columns, .. } => {
                *number == table.number && column.is_none_or(|column| columns.iter().any(|name| name == column))
            }
            Kind::Key | Kind::Unique | Kind::Check(_) => false,
        };
        let others = self.tables.iter().filter(|other| column.is_some() || other.number != table.number);
        others.flat_map(|other| &other.rules).any(leads_here)
    }

    /// Tables that a foreign key can lead to, each with the column of a key.
    pub(super) fn keys(&self) -> Vec<(usize, String, Type)> {
        let of = |table: &Table| {
            let single = table.rules.iter().find(|rule| rule.kind == Kind::Key && rule.columns.len() == 1)?;
            let column = table.column(single.columns.first()?)?;
            Some((table.number, column.name.clone(), column.data_type.clone()))
        };
        self.tables.iter().filter_map(of).collect()
    }

    pub(super) fn by_number(&self, number: usize) -> Option<&Table> {
        self.tables.iter().find(|table| table.number == number)
    }

    /// What stands in a table's definition for a rule.
    pub(super) fn rule(&self, rule: &Rule) -> String {
        let name = rule.name.as_ref().map(|name| format!("CONSTRAINT {} ", quoted(name))).unwrap_or_default();
        let columns = list(&rule.columns);
        let what = match &rule.kind {
            Kind::Key => format!("PRIMARY KEY ({columns})"),
            Kind::Unique => format!("UNIQUE ({columns})"),
            Kind::Check(condition) => format!("CHECK ({condition})"),
            Kind::References { table, columns: theirs, actions } => {
                let path = self.by_number(*table).map(Table::path).unwrap_or_default();
                format!("FOREIGN KEY ({columns}) REFERENCES {path} ({}){actions}", list(theirs))
            }
        };
        format!("{name}{what}")
    }
}

impl Rule {
    /// A column that it may lead to has another name.
    pub(super) fn follow(&mut self, number: usize, from: &str, to: &str) {
        if let Kind::References { table, columns, .. } = &mut self.kind
            && *table == number
        {
            columns.iter_mut().filter(|name| *name == from).for_each(|name| to.clone_into(name));
        }
    }
}

/// The last part of a quoted path, without its quotes.
fn last(path: &str) -> String {
    let (_, name) = path.split_once('.').unwrap_or(("", path));
    name.trim_matches('"').replace("\"\"", "\"")
}

/// A path as SQL has it.
pub(super) fn path(schema: &str, name: &str) -> String {
    format!("{}.{}", quoted(schema), quoted(name))
}

impl Table {
    pub(super) fn new(number: usize, schema: &str, name: String) -> Self {
        Self {
            number,
            schema: schema.to_owned(),
            name,
            columns: Vec::new(),
            rules: Vec::new(),
            indexes: Vec::new(),
            partitioned: None,
            taken: BTreeSet::new(),
        }
    }

    pub(super) fn path(&self) -> String {
        path(&self.schema, &self.name)
    }

    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// A name for a column.
    pub(super) fn name(&mut self, picks: &mut Picks) -> String {
        let name = fresh(picks, |name| self.taken.contains(name));
        self.taken.insert(name.clone());
        name
    }

    /// The place of a column for which `fits` holds.
    pub(super) fn any_column(&self, picks: &mut Picks, fits: impl Fn(&Column) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.columns.len()).filter(|at| fits(&self.columns[*at])).collect();
        picks.of(&fitting).copied()
    }

    /// Whether the column is in the key, or rows are put into partitions by it.
    pub(super) fn is_key(&self, column: &str) -> bool {
        let keyed = self.rules.iter().any(|rule| rule.kind == Kind::Key && rule.columns.iter().any(|name| name == column));
        keyed || self.partitioned.as_ref().is_some_and(|(by, _)| by == column)
    }

    /// Whether another column is made of this one.
    pub(super) fn is_read(&self, column: &str) -> bool {
        self.columns.iter().any(|other| matches!(&other.made, Made::From(from) if from == column))
    }

    /// Takes a column away, with what goes with it.
    pub(super) fn remove(&mut self, column: &str) {
        self.columns.retain(|other| other.name != column);
        self.rules.retain(|rule| !rule.columns.iter().any(|name| name == column));
        self.indexes.retain(|index| !index.columns.iter().any(|name| name == column));
    }

    /// Calls a column otherwise, wherever it is named. What is written over expressions is known by name no more.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let change = |name: &mut String| {
            if name == from {
                to.clone_into(name);
            }
        };
        for column in &mut self.columns {
            change(&mut column.name);
            if let Made::From(other) = &mut column.made {
                change(other);
            }
        }
        for rule in &mut self.rules {
            rule.columns.iter_mut().for_each(change);
            if let Kind::Check(condition) = &mut rule.kind {
                *condition = condition.replace(&quoted(from), &quoted(to));
            }
        }
        for index in &mut self.indexes {
            index.columns.iter_mut().for_each(change);
            index.over = index.over.replace(&quoted(from), &quoted(to));
        }
        if let Some((by, _)) = &mut self.partitioned {
            change(by);
        }
    }
}

impl Column {
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// Whether a unique index over it holds more than a few rows.
    pub(super) fn is_wide(&self) -> bool {
        !matches!(self.data_type.family, Family::Bool | Family::Label)
            && !matches!(self.data_type.sql.as_str(), "json" | "bit(4)" | "char(3)")
    }

    /// Its definition.
    pub(super) fn definition(&self, default: Option<&str>) -> String {
        let value = match (&self.made, default) {
            (Made::From(_), Some(expression)) => format!(" GENERATED ALWAYS AS ({expression}) STORED"),
            (Made::BySequence, _) => " GENERATED BY DEFAULT AS IDENTITY".to_owned(),
            (Made::ByDefault, Some(value)) => format!(" DEFAULT {value}"),
            (Made::ByClients | Made::ByDefault | Made::From(_), _) => String::new(),
        };
        let not_null = if self.not_null { " NOT NULL" } else { "" };
        format!("{} {}{value}{not_null}", self.quoted(), self.data_type.sql)
    }
}
