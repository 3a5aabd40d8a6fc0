//! ADD COLUMN with a sequence behind it (serial, identity). At once it would rewrite the table, so the column comes with a
//! default for new rows, old ones are numbered in chunks, and an identity takes the default's place at the end.

use super::add_column::numbered_in_chunks;
use super::identity_column::going_on;
use super::{Context, Recipe};
use crate::engine::{Held, LockMode};
use crate::plan::copies;
use crate::plan::draft::Draft;
use crate::plan::probe;
use crate::plan::refusal::Refusal;
use crate::schema::change::AddColumn;
use crate::schema::object::{ObjectKind, Sequence};
use crate::schema::{Column, IdentityKind};
use crate::sql::write;

pub(crate) fn plan(ctx: &Context<'_>, add: &AddColumn) -> Result<Recipe, Refusal> {
    let Some((column, sequence)) = made(ctx, add) else {
        return Err(ctx.refuse(
            format!("what sequence {}.{} gets can't be told", add.table, add.column.name),
            "add a plain bigint column with a default from a sequence instead",
        ));
    };
    let parts = Numbered { add, sequence };
    let mut bare = column.clone();
    bare.identity = None;
    let mut recipe = numbered_in_chunks(ctx, add, &bare, &parts.next(), parts.create())?;
    if let Some(identity) = &column.identity {
        recipe.migrate.push(parts.becomes_identity(ctx, identity.kind));
    }
    Ok(recipe)
}

/// The column and its sequence as they are after the change.
fn made<'a>(ctx: &'a Context<'_>, add: &AddColumn) -> Option<(&'a Column, &'a Sequence)> {
    let column = ctx.after.tables.get(&add.table)?.column(&add.column.name)?;
    let owned = |sequence: &&std::sync::Arc<Sequence>| {
        sequence.owned_by.as_ref().is_some_and(|(table, name)| table == &add.table && name == &add.column.name)
    };
    let sequence = match &column.identity {
        Some(identity) => ctx.after.sequences.get(&identity.sequence)?,
        None => ctx.after.sequences.values().find(owned)?,
    };
    Some((column, sequence))
}

struct Numbered<'a> {
    add: &'a AddColumn,
    sequence: &'a Sequence,
}

impl Numbered<'_> {
    fn called(&self) -> String {
        write::name(&self.sequence.name)
    }

    fn next(&self) -> String {
        format!("nextval({}::regclass)", write::literal(&self.called()))
    }

    fn alter(&self, what: &str) -> String {
        format!("ALTER TABLE {} ALTER COLUMN {} {what}", write::name(&self.add.table), write::identifier(&self.add.column.name))
    }

    /// The sequence, with the column that it is dropped with.
    fn create(&self) -> Vec<String> {
        let owner = format!("{}.{}", write::name(&self.add.table), write::identifier(&self.add.column.name));
        vec![write::create_sequence(self.sequence), format!("ALTER SEQUENCE {} OWNED BY {owner}", self.called())]
    }

    /// The default gives way to an identity, whose sequence goes on where the default's was.
    fn becomes_identity(&self, ctx: &Context<'_>, kind: IdentityKind) -> Draft {
        let kind = match kind {
            IdentityKind::Always => "ALWAYS",
            IdentityKind::ByDefault => "BY DEFAULT",
        };
        let called = self.called();
        let lock = copies::lock_first(&self.add.table, &[]);
        let options = format!("SEQUENCE NAME {called}{}", write::sequence_options(self.sequence));
        let forth = [
            self.alter("DROP DEFAULT"),
            format!("DROP SEQUENCE {called}"),
            self.alter(&format!("ADD GENERATED {kind} AS IDENTITY ({options})")),
        ];
        let mut back = vec![self.alter("DROP IDENTITY")];
        back.extend(self.create());
        back.push(self.alter(&format!("SET DEFAULT {}", self.next())));
        let mut sql = vec![lock.clone(), going_on(&called, &forth, &called)];
        sql.extend(copies::said_of(ctx.new, ObjectKind::Sequence, "SEQUENCE", &self.sequence.name));
        let subject = super::add_column::subject(self.add);
        Draft::own(&subject, "add-identity", format!("let {subject} be an identity column"), sql)
            .because("every row has its number, and old clients don't name the column")
            .locks(&self.add.table, LockMode::AccessExclusive, Held::Brief)
            .probed(probe::is_identity(&self.add.table, &self.add.column.name))
            .undone_by(vec![lock, going_on(&called, &back, &called)])
    }
}
