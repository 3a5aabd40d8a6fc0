//! RENAME VALUE of an enum: the database keeps references to values and not their spelling, so a default `'a'` becomes `'b'`.
//! Must never touch a string that may be anything but a value of that enum.

use super::Catalog;
use super::walk::Visitor;
use crate::schema::column::Column;
use crate::schema::name::{Identifier, Name};
use crate::schema::text::{Part, Sql};

impl Catalog {
    /// Spells the value anew wherever a text surely means it.
    pub(super) fn respell_label(&mut self, of: &Name, from: &str, to: &str) {
        let before = self.clone();
        let mut respeller = Respeller { catalog: &before, of, from: &literal(from), to: &literal(to) };
        self.rewrite(&mut respeller);
        self.each_table(|table| {
            for column in table.columns.iter_mut().filter(|column| column.data_type.name == *of) {
                respeller.default(column);
            }
        });
        self.each_type(|found| {
            if let crate::schema::object::TypeKind::Domain { base, default: Some(default), .. } = &mut found.kind
                && base.name == *of
            {
                respeller.whole(default);
            }
        });
    }
}

struct Respeller<'a> {
    catalog: &'a Catalog,
    of: &'a Name,
    from: &'a str,
    to: &'a str,
}

impl Visitor for Respeller<'_> {
    fn name(&mut self, _role: super::walk::Role, _name: &mut Name) {}

    fn sql(&mut self, owner: Option<&Name>, sql: &mut Sql) {
        self.casts(sql);
        if self.all_columns_are_of_it(owner, sql) {
            for part in &mut sql.parts {
                if let Part::Text(text) = part {
                    *text = text.replace(self.from, self.to);
                }
            }
        } else {
            self.neighbours(owner, sql);
        }
    }
}

impl Respeller<'_> {
    fn default(&self, column: &mut Column) {
        if let Some(default) = &mut column.default {
            if column.data_type.dimensions == 0 {
                self.whole(default);
            } else {
                self.elements(default);
            }
        }
    }

    /// A default that is the value and no more.
    fn whole(&self, default: &mut Sql) {
        if let Some(Part::Text(text)) = default.parts.first_mut()
            && text.trim_start().starts_with(self.from)
        {
            *text = text.replacen(self.from, self.to, 1);
        }
    }

    /// A default such as `'{a,b}'`.
    fn elements(&self, default: &mut Sql) {
        let (from, to) = (self.from.trim_matches('\''), self.to.trim_matches('\''));
        let Some(Part::Text(text)) = default.parts.first_mut() else { return };
        let Some((inside, rest)) = text.strip_prefix("'{").and_then(|text| text.split_once("}'")) else { return };
        let labels: Vec<String> = inside
            .split(',')
            .map(|label| {
                let bare = label.trim().trim_matches('"');
                if bare == from { format!("\"{to}\"") } else { label.to_owned() }
            })
            .collect();
        *text = format!("'{{{}}}'{rest}", labels.join(","));
    }

    /// `'a'::enum`.
    fn casts(&self, sql: &mut Sql) {
        for at in 1..sql.parts.len() {
            let (before, after) = sql.parts.split_at_mut(at);
            if let (Some(Part::Text(text)), Some(Part::Type(name))) = (before.last_mut(), after.first())
                && name == self.of
                && let Some(start) = text.strip_suffix("::").and_then(|text| text.strip_suffix(self.from)).map(str::len)
            {
                text.replace_range(start..start + self.from.len(), self.to);
            }
        }
    }

    /// `status = 'a'` and `status <> 'a'`, where other columns stand in the same text.
    fn neighbours(&self, owner: Option<&Name>, sql: &mut Sql) {
        for at in 1..sql.parts.len() {
            let (before, after) = sql.parts.split_at_mut(at);
            if let (Some(Part::Column { of, name }), Some(Part::Text(text))) = (before.last(), after.first_mut())
                && self.is_of_it(of.as_ref().or(owner), name)
            {
                let operator: String = text.chars().take_while(|c| "=<> ".contains(*c)).collect();
                if operator.trim() != "" && text[operator.len()..].starts_with(self.from) {
                    text.replace_range(operator.len()..operator.len() + self.from.len(), self.to);
                }
            }
        }
    }

    fn all_columns_are_of_it(&self, owner: Option<&Name>, sql: &Sql) -> bool {
        let mut columns = sql.parts.iter().filter_map(|part| match part {
            Part::Column { of, name } => Some((of.as_ref().or(owner), name)),
            Part::Text(_) | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => None,
        });
        let first = columns.next();
        first.is_some_and(|(of, name)| self.is_of_it(of, name)) && columns.all(|(of, name)| self.is_of_it(of, name))
    }

    fn is_of_it(&self, table: Option<&Name>, column: &Identifier) -> bool {
        let found = table.and_then(|table| self.catalog.tables.get(table)).and_then(|table| table.column(column));
        found.is_some_and(|column| column.data_type.name == *self.of)
    }
}

fn literal(label: &str) -> String {
    format!("'{}'", label.replace('\'', "''"))
}
