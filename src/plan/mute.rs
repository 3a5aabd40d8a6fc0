//! A fill changes nothing but what it fills: a table's own triggers fire for each row, and what they change in it is put back.
//! So the time of a row's last change stays what it was. What they write elsewhere can't be put back: that is a hazard.

use super::draft::Draft;
use super::format::HazardKind;
use super::generated::{LONGEST, generated_name};
use super::probe;
use super::recipe::Context;
use super::trigger::OUR_SCHEMA;
use crate::engine::{Held, LockMode};
use crate::schema::object::Trigger;
use crate::schema::{Catalog, Identifier, Name};
use crate::sql::write;

/// The fill of a column with what it takes to mute the triggers of its table meanwhile. `value` is what the column is filled with,
/// over OLD, where triggers of the release may set the column too.
pub(crate) fn muted(ctx: &Context<'_>, table: &Name, column: &Identifier, value: Option<&str>, fill: Draft) -> Vec<Draft> {
    let triggers = fired([ctx.before, ctx.old, ctx.new], table, column);
    let fill = declared(ctx, &triggers, fill);
    if !triggers.iter().any(|trigger| changes_the_row(trigger)) {
        return vec![fill];
    }
    let mute = Mute::new(ctx, table, column, value);
    let (begin, end) = (mute.begin(&fill.subject), mute.end(&fill.subject));
    vec![begin, fill, end]
}

/// The fill of a column by an UPDATE of the author's: it fires the table's triggers, as the UPDATE would have where it stands. Those
/// that are there for the fill alone, since the release drops them in contract or makes them early, are muted.
pub(crate) fn fired_as_written(ctx: &Context<'_>, table: &Name, column: &Identifier, value: &str, fill: Draft) -> Vec<Draft> {
    let as_written = fired([ctx.before], table, column);
    let all = fired([ctx.before, ctx.old, ctx.new], table, column);
    if all.len() > as_written.len() && !as_written.iter().any(|trigger| changes_the_row(trigger)) {
        return muted(ctx, table, column, Some(value), fill);
    }
    let fill = declared(ctx, &all, fill);
    let changing = all.iter().filter(|trigger| changes_the_row(trigger));
    vec![changing.fold(fill, |fill, trigger| {
        let detail = format!(
            "trigger {} of {table} may change other values of each row that is filled, as the UPDATE as written would",
            trigger.name
        );
        fill.hazard(HazardKind::OldClientsReadNewValues, detail)
    })]
}

/// A trigger that the release makes and that changes rows when the column is filled, to more than the time of their change.
pub(crate) fn made_by_release<'a>(ctx: &Context<'a>, table: &Name, column: &Identifier) -> Option<&'a Trigger> {
    let old = fired([ctx.old], ctx.name_before_release(table), column);
    let is_new = |trigger: &&Trigger| !old.iter().any(|known| known.name == trigger.name);
    let changing = fired([ctx.before], table, column).into_iter().filter(|trigger| changes_the_row(trigger));
    changing.filter(is_new).find(|trigger| computes(ctx.before, trigger))
}

/// Whether the trigger's function sets a column to what follows from the row, or isn't known.
fn computes(catalog: &Catalog, trigger: &Trigger) -> bool {
    let mut bodies = catalog.routines_named(&trigger.function).peekable();
    let follows = |definition: &str| {
        let text = definition.to_ascii_lowercase().replace(":=", "=");
        let set = text.split(';').filter_map(|statement| statement.split_once('='));
        set.map(|(_, value)| value).any(|value| value.contains("new.") || value.contains("old."))
    };
    bodies.peek().is_none() || bodies.any(|routine| follows(&write::text(&routine.definition)))
}

fn changes_the_row(trigger: &Trigger) -> bool {
    said(trigger, "BEFORE") && said(trigger, "ROW")
}

/// The triggers that an UPDATE of the column fires in one of the schemas, each once.
fn fired<'a>(catalogs: impl IntoIterator<Item = &'a Catalog>, table: &Name, column: &Identifier) -> Vec<&'a Trigger> {
    let fires = |trigger: &&Trigger| {
        let named = trigger.update_of.is_empty() || trigger.update_of.contains(column);
        &trigger.table == table && trigger.enabled != 'D' && named && said(trigger, "UPDATE")
    };
    let mut fired: Vec<&Trigger> = Vec::new();
    for trigger in catalogs.into_iter().flat_map(|catalog| catalog.triggers.values()).map(AsRef::as_ref).filter(fires) {
        if !fired.iter().any(|known| known.name == trigger.name) {
            fired.push(trigger);
        }
    }
    fired
}

/// Says which of them may write elsewhere.
fn declared(ctx: &Context<'_>, triggers: &[&Trigger], fill: Draft) -> Draft {
    let acts = |trigger: &&&Trigger| !said(trigger, "BEFORE") || [ctx.before, ctx.new].iter().all(|catalog| may_act(catalog, trigger));
    triggers.iter().filter(acts).fold(fill, |fill, trigger| {
        let detail =
            format!("trigger {} of {} fires for each row that is filled, as if a client had changed it", trigger.name, trigger.table);
        fill.hazard(HazardKind::FiresTriggers, detail)
    })
}

/// Whether the word stands in what comes before the function that the trigger calls: its timing, its events, `FOR EACH ROW`.
pub(crate) fn said(trigger: &Trigger, word: &str) -> bool {
    let text = write::text(&trigger.definition);
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').skip_while(|word| !word.eq_ignore_ascii_case("TRIGGER"));
    words.any(|found| found.eq_ignore_ascii_case(word))
}

/// Whether the trigger's function may do more than change the row: its body has a verb of a statement, or isn't known.
fn may_act(catalog: &Catalog, trigger: &Trigger) -> bool {
    const VERBS: [&str; 9] = ["call", "copy", "delete", "execute", "insert", "merge", "notify", "perform", "update"];
    let bodies: Vec<String> = catalog.routines_named(&trigger.function).map(|routine| write::text(&routine.definition)).collect();
    let acts = |definition: &String| {
        // What is quoted is no verb: TG_OP = 'UPDATE'.
        let plain: String = definition.split('\'').step_by(2).collect::<Vec<_>>().join(" ");
        let body = plain.split('$').skip(1).collect::<Vec<_>>().join(" ");
        let mut words = body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        body.is_empty() || words.any(|word| VERBS.iter().any(|verb| word.eq_ignore_ascii_case(verb)))
    };
    bodies.is_empty() || bodies.iter().any(acts)
}

/// The name of the last trigger to fire: BEFORE triggers go by name, byte by byte.
fn last_name(ctx: &Context<'_>, table: &Name, column: &Identifier) -> Identifier {
    const LAST: char = char::MAX;
    let usual = generated_name("zzz_concertina_mute", table, column);
    let known = [ctx.old, ctx.before, ctx.new].into_iter().flat_map(|catalog| catalog.triggers.keys());
    if known.filter(|(on, _)| on == table).all(|(_, name)| name.as_str() < usual.as_str()) {
        return usual;
    }
    let name = generated_name("mute", table, column);
    let (readable, digest) = name.as_str().rsplit_once('_').unwrap_or_default();
    let short: String = readable.chars().take(LONGEST - LAST.len_utf8() - digest.len() - 1).collect();
    Identifier::new(format!("{LAST}{short}_{digest}"))
}

struct Mute<'a> {
    table: &'a Name,
    column: &'a Identifier,
    /// What the column is filled with.
    value: String,
    function: Name,
    trigger: Identifier,
}

impl<'a> Mute<'a> {
    fn new(ctx: &Context<'_>, table: &'a Name, column: &'a Identifier, value: Option<&str>) -> Self {
        let value = value.map_or_else(|| format!("NEW.{}", write::identifier(column)), ToOwned::to_owned);
        Self {
            table,
            column,
            value,
            function: Name::new(OUR_SCHEMA, generated_name("mute", table, column)),
            trigger: last_name(ctx, table, column),
        }
    }

    fn begin(&self, subject: &str) -> Draft {
        let about = format!("put back what triggers of {} change in rows that are filled", self.table);
        Draft::own(subject, "mute-triggers", about, self.create())
            .because("a row that is filled has not been changed by anybody: the time of its last change, say, stays what it was")
            .locks(self.table, LockMode::ShareRowExclusive, Held::Brief)
            .probed(probe::trigger_there(self.table, &self.trigger))
            .undone_by(self.drop())
    }

    fn end(&self, subject: &str) -> Draft {
        Draft::own(subject, "unmute-triggers", format!("leave rows of {} to its triggers again", self.table), self.drop())
            .because("the rows are filled")
            .locks(self.table, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::trigger_gone(self.table, &self.trigger))
            .undone_by(self.create())
    }

    fn create(&self) -> Vec<String> {
        let (function, table, column) = (write::name(&self.function), write::name(self.table), write::identifier(self.column));
        let value = &self.value;
        vec![
            format!("CREATE SCHEMA IF NOT EXISTS {OUR_SCHEMA}"),
            format!(
                "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $concertina$\nDECLARE\n  filled {table}.{column}%TYPE := {value};\nBEGIN\n  NEW := OLD;\n  NEW.{column} := filled;\n  RETURN NEW;\nEND\n$concertina$"
            ),
            format!(
                "CREATE TRIGGER {} BEFORE UPDATE ON {table} FOR EACH ROW WHEN (current_setting('concertina.backfill', true) = 'on') EXECUTE FUNCTION {function}()",
                write::identifier(&self.trigger)
            ),
        ]
    }

    fn drop(&self) -> Vec<String> {
        vec![
            format!("DROP TRIGGER {} ON {}", write::identifier(&self.trigger), write::name(self.table)),
            format!("DROP FUNCTION {}()", write::name(&self.function)),
        ]
    }
}
