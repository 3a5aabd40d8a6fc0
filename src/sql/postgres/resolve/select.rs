//! A SELECT: its scopes, its `*`, its output. Never changes a text but to spell out a `*`.

use serde_json::Value;

use super::super::scope::output_aliases;
use super::super::tree::{inner, list, location, string};
use super::scope::{self, Column, Entry, Found, Frame, Item, Visible};
use super::{Resolver, kind, output};
use crate::schema::Part;
use crate::sql::span::Span;
use crate::sql::write;

impl Resolver<'_> {
    /// The columns of a query; nothing where they can't be told.
    pub(super) fn select(&mut self, select: &Value) -> Option<Vec<Column>> {
        self.frames.push(Frame::default());
        self.with(&select["with_clause"]);
        let columns = if select["larg"].is_object() {
            self.set_operation(select)
        } else if list(&select["values_lists"]).is_empty() {
            self.plain(select)
        } else {
            self.values(select)
        };
        self.frames.pop();
        columns
    }

    fn set_operation(&mut self, select: &Value) -> Option<Vec<Column>> {
        let (left, right) = (self.select(&select["larg"]), self.select(&select["rarg"]));
        // ORDER BY names output columns here.
        if let (Some(frame), Some(columns)) = (self.frames.last_mut(), left.clone()) {
            frame.items = vec![Item::single(Entry { qualifier: String::new(), relation: None, columns: Some(columns) })];
        }
        for clause in ["sort_clause", "limit_offset", "limit_count"] {
            self.visit(&select[clause]);
        }
        let (left, right) = (left?, right?);
        let same = |(left, right): (Column, Column)| {
            let is_null = left.is_null && right.is_null;
            let data_type = match (left.is_null, right.is_null) {
                (true, _) => right.data_type,
                (_, true) => left.data_type,
                (false, false) => left.data_type.filter(|found| right.data_type.as_ref() == Some(found)),
            };
            Column { is_null, ..Column::made(left.name, data_type) }
        };
        Some(left.into_iter().zip(right).map(same).collect())
    }

    fn values(&mut self, select: &Value) -> Option<Vec<Column>> {
        self.visit(&select["values_lists"]);
        for clause in ["sort_clause", "limit_offset", "limit_count"] {
            self.visit(&select[clause]);
        }
        let first = inner(list(&select["values_lists"]).first()?, "List")?;
        let columns = list(&first["items"]).iter().enumerate();
        Some(columns.map(|(number, value)| Column::made(format!("column{}", number + 1), kind::of(self, value))).collect())
    }

    fn plain(&mut self, select: &Value) -> Option<Vec<Column>> {
        for node in list(&select["from_clause"]) {
            let item = self.item(node);
            self.frame().items.push(item);
        }
        let columns = self.targets(&select["target_list"]);
        for clause in ["where_clause", "having_clause", "window_clause", "limit_offset", "limit_count"] {
            self.visit(&select[clause]);
        }
        let aliases = output_aliases(&select["target_list"]);
        let names = output::of_targets(&select["target_list"]);
        for clause in ["sort_clause", "distinct_clause"] {
            for element in list(&select[clause]) {
                // A lone name is an output column first, and only then one of the row.
                if lone_name(element).is_none_or(|name| !aliases.iter().any(|alias| alias == name)) {
                    self.key(element, &names);
                }
            }
        }
        for element in list(&select["group_clause"]) {
            self.key(element, &names);
        }
        columns
    }

    /// An element of ORDER BY, GROUP BY or DISTINCT ON, which may be an output column.
    fn key(&mut self, element: &Value, outputs: &[String]) {
        let is_output = lone_name(element).is_some_and(|name| {
            matches!(scope::unqualified(&self.frames, name), Found::Nothing) && outputs.iter().any(|output| output == name)
        });
        if !is_output {
            self.visit(element);
        }
    }

    fn targets(&mut self, targets: &Value) -> Option<Vec<Column>> {
        let mut columns = Some(Vec::new());
        for target in list(targets).iter().filter_map(|target| inner(target, "ResTarget")) {
            let made = if let Some(qualifier) = star(&target["val"]) {
                self.star(&target["val"], &qualifier)
            } else {
                self.visit(&target["val"]);
                Some(vec![self.output(target)])
            };
            columns = columns.zip(made).map(|(columns, made): (Vec<Column>, Vec<Column>)| [columns, made].concat());
        }
        columns
    }

    /// The column that an element of a select list makes.
    fn output(&self, target: &Value) -> Column {
        let is_null = inner(&target["val"], "AConst").is_some_and(|constant| constant["isnull"] == true);
        Column { is_null, ..Column::made(output::name(target), kind::of(self, &target["val"])) }
    }

    /// `*` or `t.*`, spelled out.
    fn star(&mut self, value: &Value, qualifier: &[&str]) -> Option<Vec<Column>> {
        let reference = inner(value, "ColumnRef")?;
        let first = self.source.at(location(&reference["location"]));
        let place = self.source.span(first, first + 2 * qualifier.len() + 1);
        let Some(columns) = self.starred(qualifier) else {
            self.resolved = false;
            return None;
        };
        let alone = self.frames.last().is_some_and(|frame| frame.items.iter().map(|item| item.entries.len()).sum::<usize>() == 1);
        let mut parts = Vec::new();
        for (number, (entry, column)) in columns.iter().enumerate() {
            if number > 0 {
                parts.push(Part::Text(", ".to_owned()));
            }
            if let (Some(entry), false) = (entry, alone) {
                parts.push(match &entry.relation {
                    Some(relation) => Part::Relation(relation.clone()),
                    None => Part::Text(write::quoted(&entry.qualifier)),
                });
                parts.push(Part::Text(".".to_owned()));
            }
            parts.push(match &column.origin {
                Some((relation, name)) if !column.renamed => Part::Column { of: Some(relation.clone()), name: name.clone() },
                _ => Part::Text(write::quoted(&column.name)),
            });
            self.bind(None, column);
        }
        self.edits.push((place, parts));
        Some(columns.into_iter().map(|(_, column)| Column::made(column.name, column.data_type)).collect())
    }

    /// The columns of `*` or `t.*`, each with the entry that has it.
    fn starred(&self, qualifier: &[&str]) -> Option<Vec<(Option<Entry>, Column)>> {
        if !qualifier.is_empty() {
            let entry = scope::entry(&self.frames, qualifier)?;
            return Some(entry.columns.as_ref()?.iter().map(|column| (Some(entry.clone()), column.clone())).collect());
        }
        let items = &self.frames.last()?.items;
        let all = |item: &Item| {
            let of_entry = |visible: &Visible| {
                let entry = visible.entry.and_then(|place| item.entries.get(place)).cloned();
                (entry, visible.column.clone())
            };
            item.complete.then(|| item.visible.iter().map(of_entry).collect::<Vec<_>>())
        };
        Some(items.iter().map(all).collect::<Option<Vec<_>>>()?.concat())
    }

    /// A reference to a column.
    pub(super) fn column(&mut self, reference: &Value) {
        let fields = list(&reference["fields"]);
        let names: Vec<&str> = fields.iter().map_while(string).collect();
        let starred = names.len() < fields.len();
        let found = match names.split_last() {
            _ if starred => return,
            None => return,
            Some((name, [])) => scope::unqualified(&self.frames, name),
            // What looks like a table and a column may be a column and a field of it, which takes parentheses in PostgreSQL.
            Some((name, qualifier)) => scope::qualified(&self.frames, qualifier, name),
        };
        match found {
            Found::Column(column) => {
                let place =
                    self.source.name_at(location(&reference["location"]), &names).and_then(|places: Vec<Span>| places.last().copied());
                self.bind(place, &column);
            }
            Found::Something => {}
            Found::Nothing => self.resolved = false,
        }
    }

    /// WITH, whose queries see those before them, and with RECURSIVE themselves.
    fn with(&mut self, clause: &Value) {
        let recursive = clause["recursive"].as_bool() == Some(true);
        for query in list(&clause["ctes"]).iter().filter_map(|query| inner(query, "CommonTableExpr")) {
            let name = query["ctename"].as_str().unwrap_or_default().to_owned();
            let aliases: Vec<String> = list(&query["aliascolnames"]).iter().filter_map(string).map(str::to_owned).collect();
            let Some(select) = inner(&query["ctequery"], "SelectStmt") else {
                self.frame().queries.push((name, None));
                continue;
            };
            if recursive && select["larg"].is_object() {
                // The first arm can't name the query itself: it decides the columns with which the second sees it.
                let (edits, resolved) = (self.edits.len(), self.resolved);
                let columns = self.select(&select["larg"]);
                self.edits.truncate(edits);
                self.resolved = resolved;
                self.frame().queries.push((name.clone(), under(columns, &aliases)));
                self.select(select);
            } else {
                let columns = self.select(select);
                self.frame().queries.push((name, under(columns, &aliases)));
            }
        }
    }

    /// The innermost scope.
    pub(super) fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a query's scope is open while its clauses are read")
    }
}

/// Columns under the names that an alias gives them, the first of them at least.
pub(super) fn under(columns: Option<Vec<Column>>, aliases: &[String]) -> Option<Vec<Column>> {
    let mut columns = columns?;
    for (column, alias) in columns.iter_mut().zip(aliases) {
        column.name.clone_from(alias);
        column.renamed = true;
    }
    Some(columns)
}

/// The qualifier of `t.*`, empty for `*`; nothing for anything else.
fn star(value: &Value) -> Option<Vec<&str>> {
    let fields = list(&inner(value, "ColumnRef")?["fields"]);
    let names: Vec<&str> = fields.iter().map_while(string).collect();
    (names.len() < fields.len()).then_some(names)
}

/// The name that makes up the whole of an element of ORDER BY or GROUP BY.
fn lone_name(element: &Value) -> Option<&str> {
    let key = inner(element, "SortBy").map_or(element, |sort| &sort["node"]);
    match list(&inner(key, "ColumnRef")?["fields"]) {
        [only] => string(only),
        _ => None,
    }
}
