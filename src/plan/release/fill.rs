//! ADD COLUMN, then an UPDATE that fills it, then perhaps SET NOT NULL: one change whose UPDATE says how to fill the column.

use super::{Item, Planned, name_at_start};
use crate::engine::postgres;
use crate::schema::change::{AddColumn, DataChange, IfExists, Verb};
use crate::schema::object::Volatility;
use crate::schema::{Change, DataType, Identifier, Name, Part, Sql};
use crate::sql::directive::DirectiveKind;
use crate::sql::write;

/// Finds `ADD COLUMN c`, `UPDATE … SET c = …`, `ALTER COLUMN c SET NOT NULL` and makes one item of them.
pub(super) fn fold(items: &[Item]) -> Vec<Item> {
    let items: &[Item] = &split(items);
    let mut result: Vec<Item> = Vec::new();
    let mut taken = vec![false; items.len()];
    for at in 0..items.len() {
        if taken[at] {
            continue;
        }
        let mut item = items[at].clone();
        if let Some(fold) = fill_of(items, at) {
            for other in fold.others {
                taken[other] = true;
                item.also.push(items[other].origin.clone());
                item.after = items[other].after.clone();
            }
            item.planned = Planned::FilledColumn { add: fold.add, up: fold.up, not_null: fold.not_null };
        }
        result.push(item);
    }
    result
}

/// An UPDATE that fills several new columns of a row is as many that fill one each.
fn split(items: &[Item]) -> Vec<Item> {
    let adds = |item: &Item, table: &Name, column: &Identifier| matches!(&item.planned, Planned::Change(Change::AddColumn(add)) if &add.table == table && &add.column.name == column);
    let parts = |at: usize, item: &Item| -> Option<Vec<Item>> {
        let Planned::Change(Change::Data(data)) = &item.planned else { return None };
        let table = data.writes.first()?;
        let fills = |(column, value): &(Identifier, Sql)| {
            let own = is_over_own_row(value) && !data.assignments.iter().any(|(other, _)| value.mentions(other));
            own && items[..at].iter().any(|earlier| adds(earlier, table, column))
        };
        let several = data.verb == Verb::Update && data.plain && data.condition.is_none() && data.assignments.len() > 1;
        if !several || !item.directives.is_empty() || !data.assignments.iter().all(fills) {
            return None;
        }
        let part = |(column, value): &(Identifier, Sql)| {
            let statement = format!("UPDATE {} SET {} = {}", write::name(table), write::identifier(column), write::text(value));
            let (assignments, columns) = (vec![(column.clone(), value.clone())], vec![column.clone()]);
            let data = DataChange { columns, assignments, statement, ..data.as_ref().clone() };
            Item { planned: Planned::Change(Change::Data(Box::new(data))), ..item.clone() }
        };
        Some(data.assignments.iter().map(part).collect())
    };
    items.iter().enumerate().flat_map(|(at, item)| parts(at, item).unwrap_or_else(|| vec![item.clone()])).collect()
}

struct Fill {
    add: Box<AddColumn>,
    up: Sql,
    not_null: bool,
    others: Vec<usize>,
}

fn fill_of(items: &[Item], at: usize) -> Option<Fill> {
    let item = &items[at];
    let Planned::Change(Change::AddColumn(add)) = &item.planned else { return None };
    // On a table that is new itself everything goes as written.
    if !items.first()?.before.tables.contains_key(name_at_start(items, &add.table)) || add.column.default.is_some() || add.serial {
        return None;
    }
    if add.column.generated.is_some() || add.column.identity.is_some() || add.if_not_exists == IfExists::Skip || !add.constraints.is_empty()
    {
        return None;
    }
    let name = &add.column.name;
    let directed = item.directives.iter().find_map(|directive| match directive {
        DirectiveKind::Up(up) if &up.column == name => Some(up.expression.clone()),
        DirectiveKind::Up(_)
        | DirectiveKind::Down(_)
        | DirectiveKind::Allow { .. }
        | DirectiveKind::Phase(_)
        | DirectiveKind::Strategy(_)
        | DirectiveKind::ContractAfter(_) => None,
    });
    // Whether it may be NULL: what the last statement says of it.
    let said = items.iter().enumerate().skip(at + 1).filter_map(|(other, candidate)| match &candidate.planned {
        Planned::Change(Change::SetNotNull { table, column }) if table == &add.table && column == name => Some((other, true)),
        Planned::Change(Change::DropNotNull { table, column }) if table == &add.table && column == name => Some((other, false)),
        Planned::Change(_) | Planned::FilledColumn { .. } | Planned::EnumSwap(_) => None,
    });
    let said: Vec<(usize, bool)> = said.collect();
    let ends_not_null = said.last().map_or(add.column.not_null, |(_, not_null)| *not_null);
    let (mut others, up) = filling(items, at, add, ends_not_null);
    // Where both are there and differ, it is refused (`fill_conflict`).
    let up = up.or(directed)?;
    others.extend(said.iter().map(|(other, _)| *other));
    others.sort_unstable();
    Some(Fill { add: add.clone(), up, not_null: ends_not_null, others })
}

/// The statements that fill the column, each from its row alone, and the value that they come to in the end.
fn filling(items: &[Item], at: usize, add: &AddColumn, ends_not_null: bool) -> (Vec<usize>, Option<Sql>) {
    let (table, name) = (&add.table, &add.column.name);
    let mut others = Vec::new();
    let mut up: Option<Sql> = None;
    for (other, item) in items.iter().enumerate().skip(at + 1) {
        let Planned::Change(Change::Data(data)) = &item.planned else {
            if up.is_some() && may_read(item) {
                break;
            }
            continue;
        };
        let made_of = |column: &Identifier| up.as_ref().is_some_and(|up| up.mentions(column));
        let sets = data.writes.contains(table) && data.columns.contains(name);
        // What reads the rows before they are filled is meant to find them so; what changes a source makes another value of it.
        if data.reads.contains(table) || !sets && data.writes.contains(table) && data.columns.iter().any(made_of) {
            break;
        }
        if !sets {
            continue;
        }
        // One that fills what others have left empty comes after those.
        let Some((value, condition)) = by_row(data, table, name).filter(|_| item.directives.is_empty()) else { break };
        let is_later = |column: &Identifier| items[other + 1..].iter().any(|later| changes(later, table, column));
        let whole = condition.is_none_or(|condition| is_null_test(condition, name));
        up = match &up {
            None if whole && !value.mentions(name) => Some(value.clone()),
            // NULL is never left to new clients then, so nothing that they write is taken for what old ones left out.
            // New clients know nothing of what goes, so that what follows from it is never taken for theirs either.
            None if (ends_not_null || follows_what_goes(items, table, value, condition)) && !value.mentions(name) => {
                step(item, add, value, condition, &text("NULL"))
            }
            None => break,
            Some(_)
                if value
                    .own_columns()
                    .chain(condition.into_iter().flat_map(Sql::own_columns))
                    .any(|column| column != name && is_later(column)) =>
            {
                break;
            }
            Some(before) => match step(item, add, value, condition, before) {
                None => break,
                after => after,
            },
        };
        others.push(other);
    }
    (others, up)
}

/// Value and condition of a plain `UPDATE t SET c = value [WHERE condition]`, if it says how to fill `column` from the row and nothing else.
fn by_row<'d>(data: &'d DataChange, table: &Name, column: &Identifier) -> Option<(&'d Sql, Option<&'d Sql>)> {
    if data.verb != Verb::Update || !data.plain || data.writes.first() != Some(table) || !data.reads.is_empty() {
        return None;
    }
    let [(target, value)] = data.assignments.as_slice() else { return None };
    let own = is_over_own_row(value) && data.condition.as_ref().is_none_or(is_over_own_row);
    (target == column && own).then_some((value, data.condition.as_ref()))
}

/// Whether value and condition read columns that the release drops, and no others.
fn follows_what_goes(items: &[Item], table: &Name, value: &Sql, condition: Option<&Sql>) -> bool {
    let goes = |column: &Identifier| {
        items.iter().any(|item| {
            matches!(&item.planned, Planned::Change(Change::DropColumn { table: on, column: gone, .. }) if on == table && gone == column)
        })
    };
    let mut read = value.own_columns().chain(condition.into_iter().flat_map(Sql::own_columns)).peekable();
    read.peek().is_some() && read.all(goes)
}

fn changes(item: &Item, table: &Name, column: &Identifier) -> bool {
    matches!(&item.planned, Planned::Change(Change::Data(data)) if data.writes.contains(table) && data.columns.contains(column))
}

/// Whether a statement that is none on rows may read them, and is meant to find what is there at that moment.
fn may_read(item: &Item) -> bool {
    matches!(&item.planned, Planned::Change(Change::Opaque { .. })) || item.statement.to_lowercase().contains("select")
}

/// How long a value may get: each statement puts the one before it in once more.
const LONGEST: usize = 2_000;

/// What the column holds after the statement, if it held `before`. None where that is not the same as what the statements come to one
/// after the other: for a type that rounds or cuts what is put into it, and for a value that is another each time.
fn step(item: &Item, add: &AddColumn, value: &Sql, condition: Option<&Sql>, before: &Sql) -> Option<Sql> {
    let of = &add.column.data_type;
    let plain = DataType { modifiers: Vec::new(), ..of.clone() };
    let cuts = ["bpchar", "bit", "char"].contains(&of.name.name.as_str()) || !of.modifiers.is_empty() && of.name.name != "varchar";
    let settled = |sql: &Sql| postgres::volatility(sql, &item.before) != Volatility::Volatile;
    if cuts || ![Some(before), Some(value), condition].into_iter().flatten().all(settled) {
        return None;
    }
    let data_type = write::data_type(&plain);
    let typed = |sql: Vec<Part>| [vec![Part::Text("(".to_owned())], sql, vec![Part::Text(format!(")::{data_type}"))]].concat();
    let before = typed(before.parts.clone());
    let put = |sql: &Sql| -> Vec<Part> {
        let part = |part: &Part| match part {
            Part::Column { of: None, name } if name == &add.column.name => before.clone(),
            Part::Text(_) | Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => {
                vec![part.clone()]
            }
        };
        sql.parts.iter().flat_map(part).collect()
    };
    let value = typed(put(value));
    let short = |sql: Sql| (write::text(&sql).len() <= LONGEST).then_some(sql);
    let Some(condition) = condition else { return short(Sql { parts: value }) };
    let said = |words: &str| vec![Part::Text(words.to_owned())];
    let parts = [said("CASE WHEN "), put(condition), said(" THEN "), value, said(" ELSE "), before.clone(), said(" END")];
    short(Sql { parts: parts.concat() })
}

fn text(words: &str) -> Sql {
    Sql { parts: vec![Part::Text(words.to_owned())] }
}

/// Whether the expression names its columns bare, so that a row can be put before them.
pub(crate) fn is_over_own_row(expression: &Sql) -> bool {
    let mut previous = "";
    for part in &expression.parts {
        match part {
            Part::Column { of: Some(_), .. } | Part::Relation(_) => return false,
            Part::Column { of: None, .. } if previous.trim_end().ends_with('.') => return false,
            Part::Text(text) => previous = text,
            Part::Column { of: None, .. } | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => previous = "",
        }
    }
    true
}

fn is_null_test(condition: &Sql, column: &Identifier) -> bool {
    match condition.parts.as_slice() {
        [Part::Column { of: None, name }, Part::Text(rest)] => name == column && rest.trim().eq_ignore_ascii_case("is null"),
        [Part::Text(open), Part::Column { of: None, name }, Part::Text(rest)] => {
            open.trim().is_empty() && name == column && rest.trim().eq_ignore_ascii_case("is null")
        }
        _ => false,
    }
}
