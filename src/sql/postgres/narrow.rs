//! An UPDATE once more, for fewer rows.

use pg_query::DeparseOptions;
use pg_query::protobuf::{BoolExpr, BoolExprType, ColumnRef, Node, NullTest, NullTestType, String as Word, UpdateStmt, node::Node as Kind};

use super::with_deep_stack;
use crate::schema::Identifier;

/// The UPDATE for the rows alone in which the column of its table is NULL. None if it is no UPDATE.
pub fn where_null(statement: &str, column: &Identifier) -> Option<String> {
    with_deep_stack(|| {
        let mut tree = pg_query::parse(statement, pg_query::ParserOptions::default()).ok()?.protobuf;
        let [only] = tree.stmts.as_mut_slice() else { return None };
        let Some(Kind::UpdateStmt(update)) = only.stmt.as_mut()?.node.as_mut() else { return None };
        let is_null = is_null(update, column)?;
        update.where_clause = Some(Box::new(match update.where_clause.take() {
            None => is_null,
            Some(condition) => both(*condition, is_null),
        }));
        pg_query::deparse(&tree, DeparseOptions::default()).ok()
    })
}

/// Whether an UPDATE or a DELETE touches such rows alone in which the column is NULL.
pub fn asks_null(statement: &str, column: &Identifier) -> bool {
    with_deep_stack(|| {
        let Ok(parsed) = pg_query::parse(statement, pg_query::ParserOptions::default()) else { return false };
        let [only] = parsed.protobuf.stmts.as_slice() else { return false };
        let (condition, relation, alone) = match only.stmt.as_ref().and_then(|statement| statement.node.as_ref()) {
            Some(Kind::UpdateStmt(update)) => (&update.where_clause, &update.relation, update.from_clause.is_empty()),
            Some(Kind::DeleteStmt(delete)) => (&delete.where_clause, &delete.relation, delete.using_clause.is_empty()),
            Some(_) | None => return false,
        };
        let (Some(condition), Some(relation)) = (condition, relation) else { return false };
        let table = relation.alias.as_ref().map_or(&relation.relname, |alias| &alias.aliasname);
        asks(condition, &|fields| match fields {
            [only] => alone && *only == column.as_str(),
            [.., of, name] => of == table && *name == column.as_str(),
            [] => false,
        })
    })
}

/// Whether the condition is that a column is NULL, or that and others.
fn asks(condition: &Node, is_column: &dyn Fn(&[&str]) -> bool) -> bool {
    let names = |node: &Node| match &node.node {
        Some(Kind::ColumnRef(found)) => found
            .fields
            .iter()
            .map(|field| match &field.node {
                Some(Kind::String(word)) => Some(word.sval.clone()),
                Some(_) | None => None,
            })
            .collect::<Option<Vec<String>>>(),
        Some(_) | None => None,
    };
    let is_it = |node: &Node| names(node).is_some_and(|names| is_column(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    match &condition.node {
        Some(Kind::NullTest(test)) => test.nulltesttype() == NullTestType::IsNull && test.arg.as_deref().is_some_and(is_it),
        Some(Kind::BoolExpr(both)) => both.boolop() == BoolExprType::AndExpr && both.args.iter().any(|part| asks(part, is_column)),
        _ => false,
    }
}

fn is_null(update: &UpdateStmt, column: &Identifier) -> Option<Node> {
    let relation = update.relation.as_ref()?;
    let name = relation.alias.as_ref().map_or(&relation.relname, |alias| &alias.aliasname);
    let fields = [name.as_str(), column.as_str()].map(|word| of(Kind::String(Word { sval: word.to_owned() }))).into();
    let column = of(Kind::ColumnRef(ColumnRef { fields, ..ColumnRef::default() }));
    Some(of(Kind::NullTest(Box::new(NullTest {
        arg: Some(Box::new(column)),
        nulltesttype: NullTestType::IsNull.into(),
        ..NullTest::default()
    }))))
}

fn both(first: Node, second: Node) -> Node {
    of(Kind::BoolExpr(Box::new(BoolExpr { boolop: BoolExprType::AndExpr.into(), args: vec![first, second], ..BoolExpr::default() })))
}

fn of(kind: Kind) -> Node {
    Node { node: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::{asks_null, where_null};

    #[test]
    fn the_condition_joins_what_is_there() {
        let of = |statement: &str| where_null(statement, &"Region".into());
        assert_eq!(
            of("UPDATE orders SET \"Region\" = c.region FROM customers c WHERE c.id = orders.customer OR c.id = 0").as_deref(),
            Some(
                "UPDATE orders SET \"Region\" = c.region FROM customers c WHERE (c.id = orders.customer OR c.id = 0) AND orders.\"Region\" IS NULL"
            )
        );
        assert_eq!(
            of("update only app.orders as o set \"Region\" = (select max(region) from customers)").as_deref(),
            Some("UPDATE ONLY app.orders o SET \"Region\" = (SELECT max(region) FROM customers) WHERE o.\"Region\" IS NULL")
        );
        assert_eq!(of("DELETE FROM orders"), None);
    }

    #[test]
    fn only_a_condition_that_always_counts_asks_for_null() {
        let asks = |statement: &str| asks_null(statement, &"plan".into());
        assert!(asks("UPDATE users SET plan = 'free' WHERE plan IS NULL"));
        assert!(asks("delete from users u where (u.plan is null) and u.id > 7"));
        assert!(!asks("UPDATE users SET plan = 'free' WHERE plan IS NULL OR plan = ''"));
        assert!(!asks("UPDATE users SET plan = 'free' WHERE plan IS NOT NULL"));
        assert!(!asks("UPDATE users SET plan = 'free'"));
        assert!(asks("UPDATE users u SET plan = 'x' FROM orgs o WHERE o.id = u.org AND u.plan IS NULL"));
        assert!(!asks("UPDATE users u SET plan = 'x' FROM orgs o WHERE o.id = u.org AND o.plan IS NULL"));
        assert!(!asks("UPDATE users u SET plan = 'x' FROM orgs o WHERE o.id = u.org AND plan IS NULL"));
    }
}
