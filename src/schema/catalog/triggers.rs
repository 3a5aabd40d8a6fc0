//! Triggers and rules on tables and views. Must never let a trigger outlive its table's name.

use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use super::sql_text::{quoted, rename_after};
use crate::schema::change::{IfExists, OnConflict, TriggerSelection};
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, Trigger};
use crate::schema::text::{Part, Sql};

/// Trigger functions that every database has.
const BUILT_IN: [&str; 3] = ["suppress_redundant_updates_trigger", "tsvector_update_trigger", "tsvector_update_trigger_column"];

impl Catalog {
    pub(super) fn create_trigger(&mut self, trigger: &Trigger, on_conflict: OnConflict) -> Result<(), CatalogError> {
        let table = &trigger.table;
        if !self.views.contains_key(table) && self.expect(self.table(table), "table", table)?.is_none() {
            return Ok(());
        }
        self.expect_columns(table, &trigger.update_of)?;
        self.expect_function(&trigger.function)?;
        let key = (table.clone(), trigger.name.clone());
        if self.triggers.contains_key(&key) && on_conflict == OnConflict::Fail && !self.unknown_all {
            return Err(CatalogError::OnTableAlready { table: table.clone(), what: "trigger", name: trigger.name.clone() });
        }
        self.triggers.insert(key, Arc::new(trigger.clone()));
        Ok(())
    }

    /// Refuses a function that surely isn't there. The engine's own trigger functions are in no schema of ours.
    fn expect_function(&self, function: &Name) -> Result<(), CatalogError> {
        let ours = function.schema.as_ref().is_none_or(|schema| self.schemas.contains_key(schema));
        let known = !ours || BUILT_IN.contains(&function.name.as_str()) || self.routines_named(function).next().is_some();
        if known || self.has_extensions() || self.is_unknown(ObjectKind::Function, function) {
            return Ok(());
        }
        Err(CatalogError::missing("function", function))
    }

    pub(super) fn drop_trigger(&mut self, table: &Name, trigger: &Identifier, if_exists: IfExists) -> Result<(), CatalogError> {
        if self.triggers.remove(&(table.clone(), trigger.clone())).is_some() {
            self.forget_copies(table, trigger);
            self.forget_part(ObjectKind::Trigger, table, trigger);
            return Ok(());
        }
        if if_exists == IfExists::Skip || self.is_unknown(ObjectKind::Trigger, table) {
            return Ok(());
        }
        self.no_trigger(table, trigger)
    }

    pub(super) fn rename_trigger(&mut self, table: &Name, trigger: &Identifier, to: &Identifier) -> Result<(), CatalogError> {
        let Some(mut found) = self.triggers.remove(&(table.clone(), trigger.clone())) else {
            return self.no_trigger(table, trigger);
        };
        for mut copy in self.forget_copies(table, trigger) {
            let copied = Arc::make_mut(&mut copy);
            copied.name = to.clone();
            self.triggers.insert((copied.table.clone(), to.clone()), copy);
        }
        let renamed = Arc::make_mut(&mut found);
        renamed.name = to.clone();
        renamed.definition = rename_after("trigger", &renamed.definition, trigger, to);
        self.triggers.insert((table.clone(), to.clone()), found);
        self.rename_comment(ObjectKind::Trigger, table, trigger, to);
        Ok(())
    }

    fn no_trigger(&self, table: &Name, trigger: &Identifier) -> Result<(), CatalogError> {
        self.expect_relation(table)?;
        if self.is_unknown(ObjectKind::Trigger, table) {
            return Ok(());
        }
        Err(CatalogError::NotOnTable { table: table.clone(), what: "trigger", name: trigger.clone() })
    }

    pub(super) fn enable_triggers(&mut self, table: &Name, selection: &TriggerSelection, enabled: char) -> Result<(), CatalogError> {
        let copies = self.copies_of_triggers(table, |name| matches_selection(selection, name));
        let own = |(of, name): &&(Name, Identifier)| of == table && matches_selection(selection, name);
        let own: Vec<_> = self.triggers.iter().filter(|(key, trigger)| own(key) && !trigger.copied).map(|(key, _)| key.clone()).collect();
        if let TriggerSelection::Named(name) = selection
            && copies.is_empty()
            && own.is_empty()
        {
            return self.no_trigger(table, name);
        }
        for key in own {
            self.forget_copies(table, &key.1);
            if let Some(trigger) = self.triggers.get_mut(&key) {
                Arc::make_mut(trigger).enabled = enabled;
            }
        }
        for origin in copies {
            self.enable_copy(table, &origin, enabled);
        }
        Ok(())
    }

    pub(super) fn enable_rule(&mut self, table: &Name, rule: &Identifier, enabled: char) -> Result<(), CatalogError> {
        let found = self.definitions.iter().position(|definition| {
            definition.object.kind == ObjectKind::Rule
                && &definition.object.name == table
                && definition.object.detail.as_deref() == Some(rule.as_str())
        });
        let Some(at) = found else {
            if self.is_unknown(ObjectKind::Rule, table) {
                return Ok(());
            }
            return Err(CatalogError::NotOnTable { table: table.clone(), what: "rule", name: rule.clone() });
        };
        let how = match enabled {
            'D' => "DISABLE",
            'R' => "ENABLE REPLICA",
            'A' => "ENABLE ALWAYS",
            _ => "ENABLE",
        };
        let alter = Sql {
            parts: vec![
                Part::Text("ALTER TABLE ".to_owned()),
                Part::Relation(table.clone()),
                Part::Text(format!(" {how} RULE {}", quoted(rule))),
            ],
        };
        if let Some(definition) = self.definitions.get_mut(at) {
            Arc::make_mut(definition).alters.push(alter);
        }
        Ok(())
    }
}

fn matches_selection(selection: &TriggerSelection, name: &Identifier) -> bool {
    match selection {
        TriggerSelection::Named(named) => named == name,
        TriggerSelection::User | TriggerSelection::All => true,
    }
}
