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
    use super::where_null;

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
}
