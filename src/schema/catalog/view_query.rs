//! A view's query when a column that it reads is renamed: the view's own columns keep their names. Must never add an alias
//! anywhere but in a select list.

use crate::schema::name::{Identifier, Name};
use crate::schema::text::{Part, Sql};

use super::sql_text::quoted;

/// The query with `AS column` after every item of a select list that is nothing but `column` of `table`.
pub(super) fn with_output_names(query: &Sql, table: &Name, column: &Identifier) -> Sql {
    let mut parts = Vec::with_capacity(query.parts.len());
    let mut scanner = Scanner::default();
    for (at, part) in query.parts.iter().enumerate() {
        let wanted = matches!(part, Part::Column { of, name } if name == column && of.as_ref() == Some(table));
        let starts_item = scanner.item_starts();
        scanner.pass(part);
        parts.push(part.clone());
        if wanted && starts_item && ends_item(&query.parts[at + 1..]) {
            parts.push(Part::Text(format!(" AS {}", quoted(column))));
        }
    }
    Sql { parts }
}

/// Follows a query as far as is needed to tell where an item of a select list starts.
#[derive(Default)]
struct Scanner {
    /// For each open parenthesis (and the outside): whether a select list is being read, and whether its item has begun.
    levels: Vec<Level>,
    outside: Level,
}

#[derive(Default, Clone, Copy)]
struct Level {
    in_list: bool,
    begun: Begun,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Begun {
    /// Nothing but SELECT, DISTINCT, ALL or a comma, and perhaps a qualifier with its dot, stands before.
    #[default]
    No,
    /// A word that may be the qualifier of a column.
    Qualifier,
    /// Anything else.
    Yes,
}

impl Scanner {
    fn level(&mut self) -> &mut Level {
        self.levels.last_mut().unwrap_or(&mut self.outside)
    }

    fn item_starts(&mut self) -> bool {
        let level = *self.level();
        level.in_list && level.begun == Begun::No
    }

    fn pass(&mut self, part: &Part) {
        match part {
            Part::Text(text) => self.text(text),
            Part::Relation(_) | Part::Column { .. } => self.word(),
            Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => self.level().begun = Begun::Yes,
        }
    }

    /// A name: it may turn out to be the qualifier of the column that follows.
    fn word(&mut self) {
        let level = self.level();
        level.begun = if level.begun == Begun::No { Begun::Qualifier } else { Begun::Yes };
    }

    fn text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '\'' | '"' => {
                    let end = rest[1..].find(first).map_or(rest.len(), |at| at + 2);
                    if first == '"' {
                        self.word();
                    } else {
                        self.level().begun = Begun::Yes;
                    }
                    end
                }
                '(' => {
                    self.level().begun = Begun::Yes;
                    self.levels.push(Level::default());
                    1
                }
                ')' => {
                    self.levels.pop();
                    1
                }
                ',' => {
                    self.level().begun = Begun::No;
                    1
                }
                '.' => {
                    let level = self.level();
                    level.begun = if level.begun == Begun::Qualifier { Begun::No } else { Begun::Yes };
                    1
                }
                _ if first.is_alphabetic() || first == '_' => {
                    let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
                    self.keyword(&rest[..length].to_ascii_lowercase());
                    length
                }
                _ => {
                    if !first.is_whitespace() {
                        self.level().begun = Begun::Yes;
                    }
                    first.len_utf8()
                }
            };
            rest = &rest[length..];
        }
    }

    fn keyword(&mut self, word: &str) {
        match word {
            "select" => *self.level() = Level { in_list: true, begun: Begun::No },
            "distinct" | "all" => {}
            "from" | "where" | "group" | "order" | "having" | "union" | "intersect" | "except" | "limit" | "window" | "values" => {
                self.level().in_list = false;
            }
            _ => self.word(),
        }
    }
}

/// Whether an item of a select list is over: what follows is a comma, FROM, a closing parenthesis or nothing.
fn ends_item(rest: &[Part]) -> bool {
    match rest.first() {
        None => true,
        Some(Part::Text(text)) => {
            let text = text.trim_start();
            let word = text.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("from"));
            text.is_empty() && rest.len() == 1 || text.starts_with([',', ')', ';']) || word || starts_set_operation(text)
        }
        Some(Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_)) => false,
    }
}

fn starts_set_operation(text: &str) -> bool {
    let word = text.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    ["union", "intersect", "except", "where", "limit"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str) -> Part {
        Part::Column { of: Some(Name::new("public", "t")), name: Identifier::from(name) }
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn check(parts: Vec<Part>, aliases: usize) {
        let query = with_output_names(&Sql { parts }, &Name::new("public", "t"), &Identifier::from("a"));
        let found = query.parts.iter().filter(|part| **part == text(" AS \"a\"")).count();
        assert_eq!(found, aliases, "{query:?}");
    }

    #[test]
    fn a_plain_output_column_keeps_its_name() {
        let table = || Part::Relation(Name::new("public", "t"));
        check(vec![text("SELECT "), column("a"), text(", "), column("b"), text(" FROM "), table()], 1);
        check(vec![text("SELECT t."), column("a"), text(" FROM "), table(), text(" t WHERE t."), column("a"), text(" > 0")], 1);
        check(vec![text("SELECT "), table(), text("."), column("a"), text(" FROM "), table()], 1);
        check(vec![text("SELECT "), column("a"), text(" AS a FROM "), table()], 0);
        check(vec![text("SELECT max("), column("a"), text("), "), column("a"), text(" + 1 FROM "), table()], 0);
        check(vec![text("SELECT count(*) FROM (SELECT "), column("a"), text(" FROM "), table(), text(") x")], 1);
        check(vec![text("SELECT 1 FROM "), table(), text(" ORDER BY "), column("b"), text(", "), column("a")], 0);
    }
}
