//! Queries that make relations: views, and tables that are filled by CREATE TABLE AS. Their columns come from the catalog; must
//! never be invented where the query reads something unknown.

use crate::schema::change::{CreateTable, Lookup};
use crate::schema::object::View;
use crate::schema::options::Options;
use crate::schema::{Catalog, Change, Column, DataType};
use crate::sql::postgres;

/// The change with the columns of its query, where they can be told.
pub(super) fn with_columns(change: Change, catalog: &Catalog) -> Change {
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other change has a query whose columns it takes")]
    match change {
        Change::CreateView { mut view, column_names, on_conflict, temporary } => {
            postgres::resolve::view(&mut view, &column_names, catalog);
            Change::CreateView { view, column_names, on_conflict, temporary }
        }
        Change::CreateTable(mut create) => {
            fill(&mut create, catalog);
            Change::CreateTable(create)
        }
        other => other,
    }
}

/// The columns of `CREATE TABLE … AS`, those that the statement names first.
fn fill(create: &mut CreateTable, catalog: &Catalog) {
    let Some(query) = &create.as_query else { return };
    let mut view = View {
        name: create.table.name.clone(),
        materialized: false,
        query: query.clone(),
        columns: Lookup::Unknown,
        reads: Lookup::Unknown,
        options: Options::new(),
        check_option: None,
        populated: true,
        tablespace: None,
        defaults: std::collections::BTreeMap::new(),
        settings: std::collections::BTreeMap::new(),
    };
    let named: Vec<_> = create.table.columns.iter().map(|column| column.name.clone()).collect();
    postgres::resolve::view(&mut view, &named, catalog);
    if let Lookup::Known(columns) = view.columns {
        let typed =
            columns.into_iter().map(|column| Column::new(column.name, column.data_type.unwrap_or_else(|| DataType::built_in("unknown"))));
        create.table.columns = typed.collect();
    }
}
