//! Functions, procedures, aggregates. Must never take one overload for another.

use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use crate::schema::change::OnConflict;
use crate::schema::data_type::DataType;
use crate::schema::name::Name;
use crate::schema::object::{ObjectRef, Routine, Volatility};
use crate::schema::text::{Part, Sql};

impl Catalog {
    pub(super) fn create_routine(&mut self, routine: &Routine, on_conflict: OnConflict) -> Result<(), CatalogError> {
        let key = (routine.name.clone(), routine.arguments.clone());
        self.need_schema(&routine.name)?;
        routine.arguments.iter().try_for_each(|argument| self.expect_type(argument))?;
        if let Some(found) = self.routines.get(&key)
            && on_conflict == OnConflict::Fail
            && !self.is_unknown(found.kind, &routine.name)
        {
            return Err(CatalogError::exists(found.kind.words(), &routine.name));
        }
        self.routines.insert(key, Arc::new(routine.clone()));
        Ok(())
    }

    /// `ALTER FUNCTION … STABLE`, `SET …` and the like: kept behind the CREATE statement.
    pub(super) fn alter_routine(&mut self, object: &ObjectRef, statement: &Sql) -> Result<(), CatalogError> {
        self.expect_object(object)?;
        let Some(routine) = self.routine_key(object).and_then(|key| self.routines.get_mut(&key)) else { return Ok(()) };
        let routine = Arc::make_mut(routine);
        if let Some(volatility) = said_volatility(statement) {
            routine.volatility = volatility;
        }
        routine.alters.push(statement.clone());
        Ok(())
    }

    /// The routine that a reference means: by its arguments, or the only one of that name.
    pub(super) fn routine_key(&self, object: &ObjectRef) -> Option<(Name, Vec<DataType>)> {
        let mut candidates: Vec<&Arc<Routine>> = self.routines_named(&object.name).collect();
        if let (Some(detail), true) = (&object.detail, candidates.len() > 1) {
            candidates.retain(|routine| same_arguments(&routine.arguments, detail));
        }
        match candidates.as_slice() {
            [only] => Some((only.name.clone(), only.arguments.clone())),
            _ => None,
        }
    }
}

/// The volatility among the words of an ALTER FUNCTION, the last one where it says several.
fn said_volatility(statement: &Sql) -> Option<Volatility> {
    let text = |part: &Part| match part {
        Part::Text(text) => text.to_lowercase(),
        Part::Column { .. } | Part::Relation(_) | Part::RelationLiteral(_) | Part::Function(_) | Part::Type(_) => String::new(),
    };
    let text: String = statement.parts.iter().map(text).collect();
    let mut said = text.split_whitespace().filter_map(|word| match word {
        "immutable" => Some(Volatility::Immutable),
        "stable" => Some(Volatility::Stable),
        "volatile" => Some(Volatility::Volatile),
        _ => None,
    });
    said.next_back()
}

/// Whether `written` lists these types, however the schema of a type is spelled.
fn same_arguments(arguments: &[DataType], written: &str) -> bool {
    let written: Vec<&str> = written.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    written.len() == arguments.len() && arguments.iter().zip(written).all(|(argument, written)| is_written(argument, written))
}

/// Whether `written` is a spelling of the type, its modifiers aside.
fn is_written(data_type: &DataType, written: &str) -> bool {
    let dimensions = written.matches("[]").count();
    let name = written.trim_end_matches("[]").trim();
    let name = name.split('(').next().unwrap_or(name).trim();
    let bare = name.rsplit('.').next().unwrap_or(name).trim_matches('"');
    let stored = match bare {
        "bigint" => "int8",
        "bit varying" => "varbit",
        "boolean" => "bool",
        "character" => "bpchar",
        "character varying" => "varchar",
        "double precision" => "float8",
        "int" | "integer" => "int4",
        "real" => "float4",
        "smallint" => "int2",
        "time with time zone" => "timetz",
        "time without time zone" => "time",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        bare => bare,
    };
    usize::try_from(data_type.dimensions).is_ok_and(|of| of == dimensions) && data_type.name.name == stored
}
