//! Whether the database knows without looking that a column holds no NULL. Never a guess: what isn't spelled out as
//! PostgreSQL's own prover accepts it is no proof.

use crate::schema::{ConstraintKind, Enforcement, Identifier, Part, Sql, Table, Validity};

/// Whether a valid constraint of `table` proves that `column` holds no NULL, so that SET NOT NULL reads nothing
/// (PostgreSQL 12 on). A fast default, a domain or a comparison such as `x > 0` is no proof.
pub fn not_null_proven(table: &Table, column: &Identifier) -> bool {
    table
        .constraints
        .iter()
        .filter(|constraint| constraint.validity == Validity::Valid && constraint.enforcement == Enforcement::Enforced)
        .any(|constraint| match &constraint.kind {
            ConstraintKind::NotNull { column: proven } => proven == column,
            ConstraintKind::Check { expression } => implies_not_null(expression, column),
            ConstraintKind::PrimaryKey(key) => key.columns.contains(column),
            ConstraintKind::Unique(_) | ConstraintKind::ForeignKey(_) | ConstraintKind::Exclude(_) => false,
        })
}

/// Whether one of the conditions that `expression` joins by AND is `column IS NOT NULL` or `NOT (column IS NULL)`.
fn implies_not_null(expression: &Sql, column: &Identifier) -> bool {
    conjuncts(&tokens(expression)).iter().any(|conjunct| says_not_null(conjunct, column))
}

/// A piece of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Column(Identifier),
    /// A word in lower case, or one other character.
    Other(String),
}

impl Token {
    fn is(&self, text: &str) -> bool {
        matches!(self, Self::Other(other) if other == text)
    }
}

fn tokens(expression: &Sql) -> Vec<Token> {
    let mut found = Vec::new();
    for part in &expression.parts {
        match part {
            Part::Text(text) => split(text, &mut found),
            Part::Column { of: None, name } => found.push(Token::Column(name.clone())),
            // The table's own name before a column says nothing more.
            Part::Relation(_) => found.push(Token::Other("qualifier".to_owned())),
            Part::Column { of: Some(_), .. } | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => {
                found.push(Token::Other("?".to_owned()));
            }
        }
    }
    let mut plain: Vec<Token> = Vec::new();
    for token in found {
        let qualified = plain.len() >= 2 && plain[plain.len() - 1].is(".") && plain[plain.len() - 2].is("qualifier");
        if qualified {
            plain.truncate(plain.len() - 2);
        }
        plain.push(token);
    }
    plain
}

fn split(text: &str, into: &mut Vec<Token>) {
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
        } else if first == '\'' {
            // A literal is one piece, whatever words are in it.
            rest[1..].find('\'').map_or(rest.len(), |end| end + 2)
        } else {
            first.len_utf8()
        };
        into.push(Token::Other(rest[..length].to_lowercase()));
        rest = rest[length..].trim_start();
    }
}

/// What the expression joins by AND, at any depth of parentheses that hold nothing else.
fn conjuncts(tokens: &[Token]) -> Vec<&[Token]> {
    let tokens = without_parentheses(tokens);
    let mut depth = 0_usize;
    let mut parts = Vec::new();
    let mut start = 0;
    for (place, token) in tokens.iter().enumerate() {
        if token.is("(") {
            depth += 1;
        } else if token.is(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && (token.is("or") || token.is("case") || token.is("between")) {
            // An AND beside these may belong to them.
            return Vec::new();
        } else if depth == 0 && token.is("and") {
            parts.push(&tokens[start..place]);
            start = place + 1;
        }
    }
    if parts.is_empty() {
        return vec![tokens];
    }
    parts.push(&tokens[start..]);
    parts.into_iter().flat_map(conjuncts).collect()
}

/// The tokens without the parentheses around all of them.
fn without_parentheses(mut tokens: &[Token]) -> &[Token] {
    while let [first, inner @ .., last] = tokens {
        if !first.is("(") || !last.is(")") || !balanced(inner) {
            break;
        }
        tokens = inner;
    }
    tokens
}

/// Whether every parenthesis that closes in `tokens` also opens there.
fn balanced(tokens: &[Token]) -> bool {
    let mut depth = 0_i32;
    for token in tokens {
        if token.is("(") {
            depth += 1;
        } else if token.is(")") {
            depth -= 1;
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

fn says_not_null(tokens: &[Token], column: &Identifier) -> bool {
    let is_column = |tokens: &[Token]| matches!(without_parentheses(tokens), [Token::Column(name)] if name == column);
    match without_parentheses(tokens) {
        [column, is, not, null] if is.is("is") && not.is("not") && null.is("null") => is_column(std::slice::from_ref(column)),
        [not, rest @ ..] if not.is("not") => {
            matches!(without_parentheses(rest), [column, is, null] if is.is("is") && null.is("null") && is_column(std::slice::from_ref(column)))
        }
        [open, column, close, is, not, null] if open.is("(") && close.is(")") && is.is("is") && not.is("not") && null.is("null") => {
            is_column(std::slice::from_ref(column))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Constraint, Name};

    /// `$` stands for the column.
    fn proves(condition: &str) -> bool {
        let mut parts = Vec::new();
        for (place, text) in condition.split('$').enumerate() {
            if place > 0 {
                parts.push(Part::Column { of: None, name: Identifier::from("x") });
            }
            parts.push(Part::Text(text.to_owned()));
        }
        let mut table = Table::new(Name::new("public", "t"));
        table.constraints.push(Constraint::new(None, ConstraintKind::Check { expression: Sql { parts } }));
        not_null_proven(&table, &Identifier::from("x"))
    }

    #[test]
    fn a_check_that_says_is_not_null_proves_it() {
        for condition in [
            "$ is not null",
            "($ IS NOT NULL)",
            "not ($ is null)",
            "NOT $ IS NULL",
            "$ is not null and length($) > 0",
            "(a > 0) and (($ is not null) and b > 0)",
        ] {
            assert!(proves(condition), "{condition}");
        }
    }

    #[test]
    fn any_other_check_proves_nothing() {
        for condition in [
            "$ > 0",
            "length($) > 0",
            "num_nonnulls($) = 1",
            "coalesce($, 0) > 0",
            "$ is not null or a > 0",
            "a or b and $ is not null and c",
            "case when a then b and $ is not null and c end",
            "a is not null",
            "$ is null",
            "not ($ is not null)",
            "' and ' || $ is not null",
        ] {
            assert!(!proves(condition), "{condition}");
        }
    }

    #[test]
    fn a_check_that_is_not_valid_proves_nothing() {
        let mut table = Table::new(Name::new("public", "t"));
        let expression = Sql { parts: vec![Part::Column { of: None, name: "x".into() }, Part::Text(" is not null".to_owned())] };
        let mut constraint = Constraint::new(None, ConstraintKind::Check { expression });
        constraint.validity = Validity::NotValid;
        table.constraints.push(constraint);
        assert!(!not_null_proven(&table, &"x".into()));
    }

    proptest::proptest! {
        #[test]
        fn any_condition_has_an_answer(condition in "(\\$|is|not|null|and|or|[()' é.]|case ){0,20}") {
            let _ = proves(&condition);
        }
    }
}
