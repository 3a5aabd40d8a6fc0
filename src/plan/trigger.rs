//! Triggers that keep two shapes in step. They decide row by row, by which column changed: never by who writes.
//!
//! A trigger here changes only the row that is being written and issues no SQL, so it can neither recurse nor deadlock.

use super::generated::generated_name;
use crate::schema::{Identifier, Name, Part, Sql, Table};
use crate::sql::write;

/// The schema in which everything of ours lives.
pub(crate) const OUR_SCHEMA: &str = "concertina";

/// The function and the triggers of one sync.
pub(crate) struct Sync {
    table: Name,
    about: Identifier,
    function: Name,
    insert: Identifier,
    update: Identifier,
    /// Those that do the same before the user's own, whose functions read what they fill.
    early: Option<[Identifier; 2]>,
    on_insert: String,
    on_update: String,
    when: String,
}

/// How many triggers of ours have to fire before one, each of which makes what the next reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Turn(pub(crate) usize);

/// Triggers fire in the order of their names: `zz` comes after the user's own, whose changes must be seen.
fn name(kind: &str, table: &Name, about: &Identifier, turn: Turn) -> Identifier {
    let later = match turn {
        Turn(0) => String::new(),
        Turn(turn) => format!("{}_", "z".repeat(turn)),
    };
    generated_name(&format!("zz_concertina_{later}{kind}"), table, about)
}

/// What sorts before names that begin with a small letter; generated names have no marks that would sort before others.
const EARLY: &str = "__concertina_";

/// The setting by which a backfill tells the triggers to stand aside.
const STAND_ASIDE: &str = "current_setting('concertina.backfill', true) IS DISTINCT FROM 'on'";

/// A setting of the transaction by which a trigger tells those after it that new clients have written the row.
pub(crate) struct Marker(String);

impl Marker {
    pub(crate) fn of(table: &Name, column: &Identifier) -> Self {
        Self(format!("{OUR_SCHEMA}.{}", generated_name("by_new", table, column)))
    }

    fn set(&self, condition: &str) -> String {
        format!("PERFORM set_config({}, CASE WHEN {condition} THEN 'on' ELSE 'off' END, true);", write::literal(&self.0))
    }

    fn is_off(&self) -> String {
        format!("current_setting({}, true) IS DISTINCT FROM 'on'", write::literal(&self.0))
    }
}

impl Sync {
    fn new(table: &Name, about: &Identifier, on_insert: String, on_update: String, changed: &str) -> Self {
        Self {
            table: table.clone(),
            about: about.clone(),
            function: Name::new(OUR_SCHEMA, generated_name("sync", table, about)),
            insert: name("insert", table, about, Turn::default()),
            update: name("update", table, about, Turn::default()),
            early: None,
            on_insert,
            on_update,
            when: format!("{STAND_ASIDE} AND ({changed})"),
        }
    }

    /// The same, in its turn among those that make its value's columns.
    pub(crate) fn in_turn(self, turn: Turn) -> Self {
        Self { insert: name("insert", &self.table, &self.about, turn), update: name("update", &self.table, &self.about, turn), ..self }
    }

    /// The same, before the user's own triggers, whose functions read what it fills.
    pub(crate) fn before_others(self) -> Self {
        Self { insert: self.early_name("insert"), update: self.early_name("update"), ..self }
    }

    /// The same, and once more before the user's own triggers.
    pub(crate) fn and_early(self) -> Self {
        Self { early: Some([self.early_name("insert"), self.early_name("update")]), ..self }
    }

    fn early_name(&self, kind: &str) -> Identifier {
        generated_name(&format!("{EARLY}{kind}"), &self.table, &self.about)
    }

    /// Two columns, each written by its own clients: what one side writes, the other reads.
    /// `differs` compares two values of them.
    pub(crate) fn both_ways(table: &Name, old: &Identifier, new: &Identifier, differs: &dyn Fn(&str, &str) -> String) -> Self {
        let (o, n) = (write::identifier(old), write::identifier(new));
        let on_insert = format!("IF NEW.{n} IS NULL THEN\n      NEW.{n} := NEW.{o};\n    ELSE\n      NEW.{o} := NEW.{n};\n    END IF;");
        // A client knows one of the names. Where both change, a trigger of the release has set the new one.
        let given = differs(&format!("NEW.{n}"), &format!("OLD.{n}"));
        let on_update = format!("IF NOT ({given}) THEN\n      NEW.{n} := NEW.{o};\n    ELSE\n      NEW.{o} := NEW.{n};\n    END IF;");
        let changed =
            format!("{} OR {}", differs(&format!("OLD.{o}"), &format!("NEW.{o}")), differs(&format!("OLD.{n}"), &format!("NEW.{n}")));
        Self::new(table, new, on_insert, on_update, &changed)
    }

    /// Two columns of different types, each written by its own clients: `up` and `back` make the value of one from the other, over
    /// `NEW`. `changed` says for each that an UPDATE has changed it. What `lost` is true of after the way back is refused.
    pub(crate) fn converted(
        table: &Name,
        (old, back): (&Identifier, &str),
        (new, up): (&Identifier, &str),
        (old_changed, new_changed): (&str, &str),
        lost: Option<&str>,
    ) -> Self {
        let (o, n) = (write::identifier(old), write::identifier(new));
        let refuse = lost.map_or_else(String::new, |lost| {
            let message = write::literal(&format!("a value that is written to {table} can't be kept for clients of the release before"));
            format!("\n      IF {lost} THEN\n        RAISE EXCEPTION USING ERRCODE = 'data_exception', MESSAGE = {message};\n      END IF;")
        });
        let to_old = format!("NEW.{o} := {back};{refuse}");
        let to_new = format!("NEW.{n} := {up};");
        let on_insert = format!("IF NEW.{n} IS NULL THEN\n      {to_new}\n    ELSE\n      {to_old}\n    END IF;");
        let on_update = format!("IF {new_changed} THEN\n      {to_old}\n    ELSE\n      {to_new}\n    END IF;");
        Self::new(table, new, on_insert, on_update, &format!("{old_changed} OR {new_changed}"))
    }

    /// A column that always follows from the row: `value` is an expression over `NEW`.
    pub(crate) fn derived(table: &Name, column: &Identifier, value: &str, changed: &str) -> Self {
        let set = format!("NEW.{} := {value};", write::identifier(column));
        Self::new(table, column, set.clone(), set, changed)
    }

    /// A column that follows from the row where its value can't be cast: there it becomes NULL.
    pub(crate) fn derived_or_null(table: &Name, column: &Identifier, value: &str, changed: &str) -> Self {
        let quoted = write::identifier(column);
        let set =
            format!("BEGIN\n      NEW.{quoted} := {value};\n    EXCEPTION WHEN data_exception THEN\n      NEW.{quoted} := NULL;\n    END;");
        Self::new(table, column, set.clone(), set, changed)
    }

    /// The same, of a column whose name no client knows. What it is given comes from a client that names no columns and counts
    /// them: that is meant for the column which has taken its place, and which gets `taken` from it then.
    pub(crate) fn derived_or_null_by_place(table: &Name, column: &Identifier, value: &str, (taker, taken): (&Identifier, &str)) -> Self {
        let sync = Self::derived_or_null(table, column, value, "true");
        let (quoted, taker) = (write::identifier(column), write::identifier(taker));
        let (follow, relation) = (&sync.on_insert, write::name(table));
        // A copy of whole rows gives both, and they agree.
        let on_insert = format!(
            "DECLARE\n      given {relation}.{quoted}%TYPE := NEW.{quoted};\n    BEGIN\n    {follow}\n    IF given IS NOT NULL AND given::text IS DISTINCT FROM \
             NEW.{quoted}::text THEN\n      NEW.{quoted} := given;\n      NEW.{taker} := {taken};\n    END IF;\n    END;"
        );
        Self { on_insert, ..sync }
    }

    /// A column that old clients don't know: filled for them, left alone where the writer gave a value.
    /// On UPDATE it follows the columns it is made of, if the condition `follows` says so.
    pub(crate) fn filled(table: &Name, column: &Identifier, value: &str, sources_changed: &str, follows: &str) -> Self {
        let quoted = write::identifier(column);
        // A writer that doesn't know the column must not meet an error of its value: the gates of contract find such rows.
        let set =
            format!("BEGIN\n        NEW.{quoted} := {value};\n      EXCEPTION WHEN others THEN\n        NEW.{quoted} := NULL;\n      END;");
        let on_insert = format!("IF NEW.{quoted} IS NULL THEN\n      {set}\n    END IF;");
        let on_update = format!("IF NEW.{quoted} IS NULL OR ({follows}) THEN\n      {set}\n    END IF;");
        let changed =
            if sources_changed.is_empty() { format!("NEW.{quoted} IS NULL") } else { format!("NEW.{quoted} IS NULL OR {sources_changed}") };
        Self::new(table, column, on_insert, on_update, &changed)
    }

    /// A column that new clients don't know, made of what they write: `given` and `changed` say on INSERT and on UPDATE that they
    /// have written it, which the triggers that fire after this one learn by `Marker`.
    /// A column that is `required` is made of them also where new clients gave nothing but NULL.
    pub(crate) fn handed_back(table: &Name, column: &Identifier, value: &str, required: bool, (given, changed): (&str, &str)) -> Self {
        let quoted = write::identifier(column);
        let marker = Marker::of(table, column);
        // A writer that doesn't know the column must not meet an error of its value.
        let set = |written: &str, condition: &str| {
            format!(
                "{}\n    IF {condition} THEN\n      BEGIN\n        NEW.{quoted} := {value};\n      EXCEPTION WHEN others THEN\n        NULL;\n      END;\n    END IF;",
                marker.set(written)
            )
        };
        let on_insert = if required { format!("{given} OR NEW.{quoted} IS NULL") } else { given.to_owned() };
        Self::new(table, column, set(given, &on_insert), set(changed, changed), "true")
    }

    /// The same, unless one of these marks the row as written by new clients.
    pub(crate) fn unless(self, markers: &[Marker]) -> Self {
        if markers.is_empty() {
            return self;
        }
        let unmarked = markers.iter().map(Marker::is_off).collect::<Vec<_>>().join(" AND ");
        let guarded = |set: &str| format!("IF {unmarked} THEN\n    {set}\n    END IF;");
        Self { on_insert: guarded(&self.on_insert), on_update: guarded(&self.on_update), ..self }
    }

    /// The same of a column that is held. It must never refuse a row, nor stand in the way of later releases' columns.
    pub(crate) fn handed_back_to_held(table: &Name, column: &Identifier, value: &str, given: &str, changed: &str) -> Self {
        let quoted = write::identifier(column);
        let set = |condition: &str| {
            format!(
                "BEGIN\n      IF {condition} THEN\n        NEW.{quoted} := {value};\n      END IF;\n    EXCEPTION WHEN others THEN\n      NULL;\n    END;"
            )
        };
        Self::new(table, column, set(given), set(changed), "true")
    }

    /// A column that is held: filled where the writer gave no value, as long as the row has what its value is made of. It must
    /// never refuse a row, whatever later releases make of the others.
    pub(crate) fn held(table: &Name, column: &Identifier, value: &str) -> Self {
        let quoted = write::identifier(column);
        let set = format!(
            "IF NEW.{quoted} IS NULL THEN\n      BEGIN\n        NEW.{quoted} := {value};\n      EXCEPTION WHEN others THEN\n        NULL;\n      END;\n    END IF;"
        );
        Self::new(table, column, set.clone(), set, &format!("NEW.{quoted} IS NULL"))
    }

    /// The statement that removes it wherever its table is now, and whatever that is called.
    pub(crate) fn drop_anywhere(&self) -> String {
        format!("DROP FUNCTION IF EXISTS {}() CASCADE", write::name(&self.function))
    }

    /// Statements that make it.
    pub(crate) fn create(&self) -> Vec<String> {
        let function = write::name(&self.function);
        let table = write::name(&self.table);
        let mut sql = vec![
            format!("CREATE SCHEMA IF NOT EXISTS {OUR_SCHEMA}"),
            format!(
                "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $concertina$\nBEGIN\n  IF TG_OP = 'INSERT' THEN\n    {}\n  ELSE\n    {}\n  END IF;\n  RETURN NEW;\nEND\n$concertina$",
                self.on_insert, self.on_update
            ),
            format!(
                "CREATE TRIGGER {} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
                write::identifier(&self.insert)
            ),
            format!(
                "CREATE TRIGGER {} BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({}) EXECUTE FUNCTION {function}()",
                write::identifier(&self.update),
                self.when
            ),
        ];
        if let Some(early) = &self.early {
            // A row that is not filled yet is, whatever else is written to it.
            sql.extend(early.iter().zip(["INSERT", "UPDATE"]).map(|(name, verb)| {
                format!("CREATE TRIGGER {} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()", write::identifier(name))
            }));
        }
        sql
    }

    /// Statements that remove it. Triggers first: a trigger whose function is gone fails every write.
    pub(crate) fn drop(&self) -> Vec<String> {
        let table = write::name(&self.table);
        let triggers = self.early.iter().flatten().chain([&self.insert, &self.update]);
        let mut sql: Vec<String> = triggers.map(|name| format!("DROP TRIGGER {} ON {table}", write::identifier(name))).collect();
        sql.push(format!("DROP FUNCTION {}()", write::name(&self.function)));
        sql
    }

    /// The first of those that fire before the user's own.
    pub(crate) fn early_trigger(&self) -> Option<&Identifier> {
        self.early.as_ref().map(|[insert, _]| insert)
    }

    /// The trigger by which a user's BEFORE trigger that would fire after it can be told.
    pub(crate) fn first_trigger(&self) -> &Identifier {
        &self.insert
    }
}

/// The expression with what they are made of in place of generated columns: a trigger that fires before a row is written
/// doesn't see them yet.
pub(crate) fn without_generated(expression: &Sql, table: &Table) -> Sql {
    let made_of = |name: &Identifier| table.column(name).and_then(|column| column.generated.as_ref());
    let parts = expression.parts.iter().flat_map(|part| match part {
        Part::Column { of: None, name } => match made_of(name) {
            Some(generated) => {
                let inner = generated.expression.parts.iter().cloned();
                [Part::Text("(".to_owned())].into_iter().chain(inner).chain([Part::Text(")".to_owned())]).collect()
            }
            None => vec![part.clone()],
        },
        Part::Text(_) | Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => {
            vec![part.clone()]
        }
    });
    Sql { parts: parts.collect() }
}

/// The expression with every column of its own row read from `row` (`NEW`, `OLD`).
pub(crate) fn over(row: &str, expression: &Sql) -> String {
    write::text(&expression.map(|part| match part {
        Part::Column { of: None, name } => Part::Text(format!("{row}.{}", write::identifier(name))),
        Part::Text(_) | Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => {
            part.clone()
        }
    }))
}
