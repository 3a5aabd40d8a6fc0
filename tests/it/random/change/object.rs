//! Changes of what stands beside tables: views, enums, triggers, comments, policies.

use super::super::data_type::{Family, of_enum};
use super::super::name::{literal, quoted};
use super::super::picks::Picks;
use super::super::schema::{Made, Schema, path};
use super::super::table;
use super::{Statement, alter};

pub(super) fn create_view(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    table::create_view(schema, at, picks).map(|statement| vec![Statement::Whole(statement)])
}

pub(super) fn drop_view(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    if schema.views.is_empty() {
        return None;
    }
    let view = schema.views.remove(picks.below(schema.views.len()));
    Some(vec![Statement::Whole(format!("DROP VIEW {};", view.path))])
}

/// Columns follow what their enum has become.
fn relabel(schema: &mut Schema, at: usize) {
    let (path, labels) = (schema.enums[at].path.clone(), schema.enums[at].labels.clone());
    let columns = schema.tables.iter_mut().flat_map(|table| &mut table.columns);
    columns.filter(|column| column.data_type.sql == path).for_each(|column| column.data_type = of_enum(&path, &labels));
}

pub(super) fn add_label(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = (!schema.enums.is_empty()).then(|| picks.below(schema.enums.len()))?;
    let label = format!("label {}", schema.enums[at].labels.len());
    let place = if picks.once_in(2) { format!(" BEFORE {}", literal(&schema.enums[at].labels[0])) } else { String::new() };
    let statement = format!("ALTER TYPE {} ADD VALUE {}{place};", schema.enums[at].path, literal(&label));
    schema.enums[at].labels.push(label);
    relabel(schema, at);
    Some(vec![Statement::Whole(statement)])
}

pub(super) fn rename_label(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = (!schema.enums.is_empty()).then(|| picks.below(schema.enums.len()))?;
    let place = picks.below(schema.enums[at].labels.len());
    let to = format!("{} again", schema.enums[at].labels[place]);
    let from = std::mem::replace(&mut schema.enums[at].labels[place], to.clone());
    relabel(schema, at);
    Some(vec![Statement::Whole(format!("ALTER TYPE {} RENAME VALUE {} TO {};", schema.enums[at].path, literal(&from), literal(&to)))])
}

/// A trigger that changes what is written.
pub(super) fn trigger(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &schema.tables[at];
    let place = table.any_column(picks, |column| {
        column.data_type.family == Family::Text && !matches!(column.made, Made::From(_)) && !table.is_key(&column.name)
    })?;
    let (column, of) = (table.columns[place].quoted(), table.path());
    let (function, trigger) = (path(&table.schema.clone(), &schema.name(picks)), quoted(&schema.name(picks)));
    Some(vec![
        Statement::Whole(format!(
            "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN NEW.{column} := upper(NEW.{column}); RETURN NEW; END $body$;"
        )),
        Statement::Whole(format!("CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {of} FOR EACH ROW EXECUTE FUNCTION {function}();")),
    ])
}

pub(super) fn remark(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let table = &schema.tables[at];
    let column = table.columns[table.any_column(picks, |_| true)?].quoted();
    let of = table.path();
    Some(vec![match picks.below(5) {
        0 => Statement::Whole(format!("COMMENT ON COLUMN {of}.{column} IS 'it''s another';")),
        1 => Statement::Whole(format!("COMMENT ON TABLE {of} IS 'rows';")),
        2 => Statement::Whole(format!("GRANT SELECT ({column}) ON {of} TO PUBLIC;")),
        3 => Statement::Whole(format!("GRANT SELECT ON {of} TO PUBLIC;")),
        _ => alter(&of, format!("ALTER COLUMN {column} SET STATISTICS 77")),
    }])
}

pub(super) fn protect(schema: &mut Schema, picks: &mut Picks) -> Option<Vec<Statement>> {
    let at = schema.any_table(picks)?;
    let of = schema.tables[at].path();
    let policy = quoted(&schema.name(picks));
    let enable = alter(&of, "ENABLE ROW LEVEL SECURITY".to_owned());
    let create = Statement::Whole(format!("CREATE POLICY {policy} ON {of} USING (true);"));
    Some(if picks.once_in(2) { vec![create] } else { vec![enable, create] })
}
