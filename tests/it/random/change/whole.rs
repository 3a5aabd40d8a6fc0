//! Changes of whole tables, and of their rows.

use super::super::name::{list, quoted};
use super::super::picks::{NUMBERS, Picks};
use super::super::schema::{Column, Made, Schema};
use super::super::table::{self, Seed};
use super::{Statement, directed};

pub(super) fn rename(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let path = schema.tables[at].path();
    let to = schema.name(picks);
    let statement = Statement::Whole(format!("ALTER TABLE {path} RENAME TO {};", quoted(&to)));
    schema.tables[at].name = to;
    Some(vec![statement])
}

pub(super) fn set_schema(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let path = schema.tables[at].path();
    let to = *picks.of(&["app", "Odd Schema", "public"])?;
    if schema.tables[at].schema == to {
        return None;
    }
    to.clone_into(&mut schema.tables[at].schema);
    Some(vec![Statement::Whole(format!("ALTER TABLE {path} SET SCHEMA {};", quoted(to)))])
}

#[expect(clippy::unnecessary_wraps, reason = "as all changes")]
pub(super) fn create(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let numbers: Vec<u8> = (0..NUMBERS).map(|_| u8::try_from(picks.below(256)).unwrap_or_default()).collect();
    let turned = |by: usize| {
        let mut numbers: [u8; NUMBERS] = numbers.clone().try_into().unwrap_or_default();
        numbers.rotate_left(by);
        numbers
    };
    let seed = Seed { head: turned(0), columns: vec![turned(3), turned(6)], more: vec![turned(2), turned(5)] };
    Some(table::create(schema, &seed).into_iter().map(Statement::Whole).collect())
}

pub(super) fn drop(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = schema.tables[at].clone();
    if schema.is_referenced(&table, None) || schema.views.iter().any(|view| view.table == table.number) {
        return None;
    }
    schema.tables.remove(at);
    Some(vec![Statement::Whole(format!("DROP TABLE {};", table.path()))])
}

pub(super) fn change_rows(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &schema.tables[at];
    let place = table.any_column(picks, |column| {
        matches!(column.made, Made::ByClients | Made::ByDefault) && !table.is_key(&column.name) && column.is_wide()
    })?;
    let column = &table.columns[place];
    let other = &table.columns[picks.below(table.columns.len())];
    let condition = match picks.below(3) {
        0 => String::new(),
        1 => format!(" WHERE {} IS NULL", column.quoted()),
        _ => format!(" WHERE {} IS NOT NULL", other.quoted()),
    };
    let statement =
        Statement::Whole(format!("UPDATE {} SET {} = {}{condition};", table.path(), column.quoted(), column.data_type.values[1]));
    Some(vec![if picks.once_in(4) { directed("phase migrate", statement) } else { statement }])
}

pub(super) fn insert_rows(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &schema.tables[at];
    let written: Vec<&Column> = table.columns.iter().filter(|column| column.made == Made::ByClients).collect();
    if written.is_empty() {
        return None;
    }
    let names: Vec<String> = written.iter().map(|column| column.name.clone()).collect();
    let values: Vec<&str> = written.iter().map(|column| column.data_type.values[0].as_str()).collect();
    Some(vec![Statement::Whole(format!(
        "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING;",
        table.path(),
        list(&names),
        values.join(", ")
    ))])
}
