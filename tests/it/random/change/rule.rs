//! Changes of constraints and indexes.

use super::super::name::quoted;
use super::super::picks::Picks;
use super::super::schema::{Column, Kind, Made, Rule, Schema};
use super::super::table::{condition, create_index as index_sql, index, reference};
use super::{Statement, alter};

fn add(schema: &mut Schema, at: usize, picks: &mut Picks, kind: Kind, columns: Vec<String>, how: &str) -> Statement {
    let rule = Rule { name: schema.name_or_none(picks), kind, columns };
    let statement = alter(&schema.tables[at].path(), format!("ADD {}{how}", schema.rule(&rule)));
    schema.tables[at].rules.push(rule);
    statement
}

pub(super) fn add_check(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let (condition, columns) = condition(&schema.tables[at], picks)?;
    let path = schema.tables[at].path();
    let how = if picks.once_in(4) { " NOT VALID" } else { "" };
    let mut statements = Vec::new();
    // Which row a new number goes to is up to nobody, and so would be which rows these are.
    let numbered = |name: &String| schema.tables[at].columns.iter().any(|column| column.name == *name && column.made == Made::BySequence);
    if picks.once_in(4) && !columns.iter().any(numbered) {
        statements.push(Statement::Whole(format!("DELETE FROM {path} WHERE NOT ({condition});")));
    }
    statements.push(add(schema, at, picks, Kind::Check(condition), columns, how));
    Some(statements)
}

pub(super) fn add_unique(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &schema.tables[at];
    if table.partitioned.is_some() {
        return None;
    }
    let place = table.any_column(picks, Column::is_wide)?;
    let mut columns = vec![table.columns[place].name.clone()];
    let other = &table.columns[picks.below(table.columns.len())];
    if picks.once_in(3) && other.name != columns[0] && other.data_type.sql != "json" {
        columns.push(other.name.clone());
    }
    let keyed = table.rules.iter().any(|rule| rule.kind == Kind::Key);
    let kind = if keyed || !picks.once_in(2) { Kind::Unique } else { Kind::Key };
    if kind == Kind::Key && table.columns.iter().any(|column| columns.contains(&column.name) && !column.not_null) {
        return None;
    }
    Some(vec![add(schema, at, picks, kind, columns, "")])
}

pub(super) fn add_foreign_key(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = schema.tables[at].clone();
    if !picks.once_in(2)
        && let Some((kind, columns)) = reference(schema, &table, picks)
    {
        let how = if picks.once_in(4) { " NOT VALID" } else { "" };
        return Some(vec![add(schema, at, picks, kind, columns, how)]);
    }
    let keys = schema.keys();
    let (number, key, data_type) = picks.of(&keys)?.clone();
    let name = schema.tables[at].name(picks);
    let target = schema.by_number(number)?.path();
    let column = Column { name, data_type, not_null: false, made: super::super::schema::Made::ByClients };
    let statement = alter(&table.path(), format!("ADD COLUMN {} REFERENCES {target}", column.definition(None)));
    let kind = Kind::References { table: number, columns: vec![key], actions: "" };
    schema.tables[at].rules.push(Rule { name: None, kind, columns: vec![column.name.clone()] });
    schema.tables[at].columns.push(column);
    Some(vec![statement])
}

/// Takes away a constraint that has a name.
pub(super) fn drop(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = schema.tables[at].clone();
    let free = |rule: &&Rule| {
        rule.name.is_some() && (rule.kind != Kind::Key || !schema.is_referenced(&table, rule.columns.first().map(String::as_str)))
    };
    let rules: Vec<&Rule> = table.rules.iter().filter(free).collect();
    let name = picks.of(&rules)?.name.clone()?;
    schema.tables[at].rules.retain(|rule| rule.name.as_ref() != Some(&name));
    Some(vec![alter(&table.path(), format!("DROP CONSTRAINT {}", quoted(&name)))])
}

/// Drops a CHECK and adds another under its name.
pub(super) fn replace_check(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = schema.tables[at].clone();
    let rules: Vec<&Rule> = table.rules.iter().filter(|rule| rule.name.is_some() && matches!(rule.kind, Kind::Check(_))).collect();
    let name = picks.of(&rules)?.name.clone()?;
    let (condition, columns) = condition(&table, picks)?;
    let path = table.path();
    let drop = alter(&path, format!("DROP CONSTRAINT {}", quoted(&name)));
    schema.tables[at].rules.retain(|rule| rule.name.as_ref() != Some(&name));
    let rule = Rule { name: Some(name), kind: Kind::Check(condition), columns };
    let add = alter(&path, format!("ADD {}", schema.rule(&rule)));
    schema.tables[at].rules.push(rule);
    Some(vec![drop, add])
}

pub(super) fn rename(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let path = schema.tables[at].path();
    let places: Vec<usize> = (0..schema.tables[at].rules.len()).filter(|place| schema.tables[at].rules[*place].name.is_some()).collect();
    let place = *picks.of(&places)?;
    let to = schema.name(picks);
    let from = schema.tables[at].rules[place].name.replace(to.clone())?;
    Some(vec![Statement::Whole(format!("ALTER TABLE {path} RENAME CONSTRAINT {} TO {};", quoted(&from), quoted(&to)))])
}

pub(super) fn create_index(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = schema.tables[at].clone();
    let mut index = index(&table, picks)?;
    index.name = schema.name_or_none(picks);
    let statement = index_sql(&table, &index, "");
    schema.tables[at].indexes.push(index);
    Some(vec![Statement::Whole(statement)])
}

pub(super) fn drop_index(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = schema.tables[at].clone();
    let named: Vec<&super::super::schema::Index> = table.indexes.iter().filter(|index| index.name.is_some()).collect();
    let name = picks.of(&named)?.name.clone()?;
    schema.tables[at].indexes.retain(|index| index.name.as_ref() != Some(&name));
    let mut statements = vec![Statement::Whole(format!("DROP INDEX {}.{};", quoted(&table.schema), quoted(&name)))];
    if picks.once_in(3) {
        let mut again = index(&table, picks)?;
        again.name = Some(name);
        statements.push(Statement::Whole(index_sql(&table, &again, "")));
        schema.tables[at].indexes.push(again);
    }
    Some(statements)
}

pub(super) fn rename_index(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let home = quoted(&schema.tables[at].schema);
    let places: Vec<usize> =
        (0..schema.tables[at].indexes.len()).filter(|place| schema.tables[at].indexes[*place].name.is_some()).collect();
    let place = *picks.of(&places)?;
    let to = schema.name(picks);
    let from = schema.tables[at].indexes[place].name.replace(to.clone())?;
    Some(vec![Statement::Whole(format!("ALTER INDEX {home}.{} RENAME TO {};", quoted(&from), quoted(&to)))])
}
