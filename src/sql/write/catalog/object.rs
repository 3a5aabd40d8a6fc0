//! Schemas, extensions, types, sequences, views, routines, triggers, and what is kept as its CREATE statement.

use super::item::{Item, Items, Rank, Thing, needs_of, needs_of_type, sort_key};
use super::table;
use crate::schema::object::{Definition, TypeKind, UserType, View};
use crate::schema::{Catalog, ObjectKind, Sql, Validity};
use crate::sql::write::{create_sequence, create_type, create_view, identifier, name, text};

/// Adds schemas and extensions.
pub(super) fn add_schemas(catalog: &Catalog, items: &mut Items) {
    for (schema, owner) in &catalog.schemas {
        let create = match owner {
            None if schema == "public" => continue,
            Some(owner) if schema == "public" => format!("ALTER SCHEMA public OWNER TO {};", identifier(owner)),
            None => format!("CREATE SCHEMA {};", identifier(schema)),
            Some(owner) => format!("CREATE SCHEMA {} AUTHORIZATION {};", identifier(schema), identifier(owner)),
        };
        items.add(Item { family: "schema".to_owned(), ..Item::new(Rank::Schema, schema.as_str(), create) });
    }
    if !catalog.schemas.contains_key("public") {
        items.add(Item { family: "schema".to_owned(), ..Item::new(Rank::Schema, "", "DROP SCHEMA IF EXISTS public;") });
    }
    for (extension, schema) in &catalog.extensions {
        let within = schema.as_ref().filter(|schema| *schema != "pg_catalog").map(|schema| format!(" WITH SCHEMA {}", identifier(schema)));
        let create = format!("CREATE EXTENSION IF NOT EXISTS {}{};", identifier(extension), within.unwrap_or_default());
        items.add(Item { family: "extension".to_owned(), ..Item::new(Rank::Extension, extension.as_str(), create) });
    }
}

/// Adds enums, domains, composite, range and base types.
pub(super) fn add_types(catalog: &Catalog, items: &mut Items) {
    for user_type in catalog.types.values() {
        let mut item = Item::new(Rank::Type, sort_key(&user_type.name), format!("{};{}", create_type(user_type), later_checks(user_type)));
        item.provides = std::iter::once(user_type.name.clone()).chain(user_type.multirange()).map(Thing::Relation).collect();
        item.needs = needs_of_user_type(user_type);
        // The functions that a base type, or how a range is normalised, is made of speak of the type, so that its name comes before them.
        let made_of_functions = match &user_type.kind {
            TypeKind::Base { definition } => definition.is_some(),
            TypeKind::Range { options } => text(options).to_lowercase().contains("canonical"),
            TypeKind::Enum { .. } | TypeKind::Domain { .. } | TypeKind::Composite { .. } => false,
        };
        if made_of_functions {
            let shell = Item::new(Rank::Type, sort_key(&user_type.name), format!("CREATE TYPE {};", name(&user_type.name)));
            items.add(Item { provides: item.provides.clone(), ..shell });
        }
        items.add(item);
    }
}

fn needs_of_user_type(user_type: &UserType) -> Vec<Thing> {
    match &user_type.kind {
        TypeKind::Enum { .. } | TypeKind::Base { definition: None } => Vec::new(),
        TypeKind::Composite { attributes } => attributes.iter().filter_map(|(_, data_type, _)| needs_of_type(data_type)).collect(),
        TypeKind::Range { options } => needs_of(options),
        TypeKind::Base { definition: Some(definition) } => needs_of(definition),
        TypeKind::Domain { base, default, checks, .. } => {
            let sqls = default.iter().chain(checks.iter().map(|(_, check, _)| check));
            needs_of_type(base).into_iter().chain(sqls.flat_map(needs_of)).collect()
        }
    }
}

/// The checks of a domain that values from before them may break.
fn later_checks(user_type: &UserType) -> String {
    let TypeKind::Domain { checks, .. } = &user_type.kind else { return String::new() };
    let unproven = checks.iter().filter(|(_, _, validity)| *validity == Validity::NotValid);
    let lines = unproven.map(|(check, condition, _)| {
        format!("\nALTER DOMAIN {} ADD CONSTRAINT {} CHECK ({}) NOT VALID;", name(&user_type.name), identifier(check), text(condition))
    });
    lines.collect()
}

/// Adds the sequences that aren't hidden behind identity columns.
pub(super) fn add_sequences(catalog: &Catalog, items: &mut Items) {
    for sequence in catalog.sequences.values().filter(|sequence| !sequence.identity) {
        let item = Item::new(Rank::Sequence, sort_key(&sequence.name), format!("{};", create_sequence(sequence)));
        items.add(Item { provides: vec![Thing::Relation(sequence.name.clone())], ..item });
    }
}

/// Adds views and materialized views with their indexes.
pub(super) fn add_views(catalog: &Catalog, items: &mut Items) {
    for view in catalog.views.values() {
        let mut item = Item::new(Rank::View, sort_key(&view.name), format!("{};", create_view(view)));
        item.provides = vec![Thing::Relation(view.name.clone())];
        item.needs = needs_of(&view.query);
        let place = items.add(item);
        for line in view_alters(view) {
            items.follow(place, line);
        }
        table::indexes(catalog, &view.name, place, items);
    }
}

fn view_alters(view: &View) -> Vec<Item> {
    let settings = view.settings.values().flat_map(|column| {
        let compression = column.compression.as_ref().map(|method| format!("SET COMPRESSION {}", identifier(method)));
        table::column_alters(column, None).into_iter().chain(compression).map(|what| {
            let line = format!("ALTER MATERIALIZED VIEW {} ALTER COLUMN {} {what};", name(&view.name), identifier(&column.name));
            Item::new(Rank::View, "", line)
        })
    });
    let defaults = view.defaults.iter().map(|(column, default)| {
        let line = format!("ALTER VIEW {} ALTER COLUMN {} SET DEFAULT {};", name(&view.name), identifier(column), text(default));
        Item { needs: needs_of(default), ..Item::new(Rank::View, "", line) }
    });
    settings.chain(defaults).collect()
}

/// Adds functions, procedures and aggregates.
pub(super) fn add_routines(catalog: &Catalog, items: &mut Items) {
    for ((called, _), routine) in &catalog.routines {
        let statements = std::iter::once(&routine.definition).chain(&routine.alters).map(statement);
        let mut item = Item::new(Rank::Routine, sort_key(called), statements.collect::<Vec<_>>().join("\n"));
        item.provides = vec![Thing::Function(called.clone())];
        item.needs = needs_of(&routine.definition).into_iter().filter(|need| !item.provides.contains(need)).collect();
        item.needs.extend(routine.reads.iter().map(|(relation, _)| Thing::Relation(relation.clone())));
        items.add(item);
    }
}

/// Adds triggers.
pub(super) fn add_triggers(catalog: &Catalog, items: &mut Items) {
    for ((on, called), trigger) in &catalog.triggers {
        let how = match trigger.enabled {
            'D' => Some("DISABLE"),
            'R' => Some("ENABLE REPLICA"),
            'A' => Some("ENABLE ALWAYS"),
            _ => None,
        };
        // A partition's copy may be enabled where its parent's isn't, and comes after that.
        let how = how.or_else(|| trigger.copied.then_some("ENABLE"));
        let alter = how.map(|how| format!("ALTER TABLE {} {how} TRIGGER {};", name(on), identifier(called)));
        let create = (!trigger.copied).then(|| statement(&trigger.definition));
        let text = create.into_iter().chain(alter).collect::<Vec<_>>().join("\n");
        let depth = catalog.depth_of_partition(on);
        let mut item = Item::new(Rank::Trigger, format!("{depth:03} {} {called}", sort_key(on)), text);
        item.needs = needs_of(&trigger.definition);
        items.add(item);
    }
}

/// Adds everything that is kept as its CREATE statement, in the order of creation within a kind.
pub(super) fn add_definitions(catalog: &Catalog, items: &mut Items) {
    for (number, definition) in catalog.definitions.iter().enumerate() {
        let Some(rank) = rank(definition.object.kind) else { continue };
        let mut text = statement(&definition.create);
        for alter in &definition.alters {
            text.push('\n');
            text.push_str(&statement(alter));
        }
        let mut item = Item::new(rank, format!("{number:09}"), text);
        item.needs = needs_of(&definition.create);
        item.provides = provided(definition);
        items.add(item);
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "others call only functions and relations by name")]
fn provided(definition: &Definition) -> Vec<Thing> {
    match definition.object.kind {
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine | ObjectKind::Aggregate => {
            vec![Thing::Function(definition.object.name.clone())]
        }
        _ => Vec::new(),
    }
}

/// The place of a kind in the order of reading. Roles, databases and tablespaces are the server's and not the schema's.
#[expect(clippy::wildcard_enum_match_arm, reason = "what has no place of its own is made before the types")]
fn rank(kind: ObjectKind) -> Option<Rank> {
    Some(match kind {
        ObjectKind::Role | ObjectKind::Database | ObjectKind::Tablespace | ObjectKind::Parameter | ObjectKind::LargeObject => return None,
        ObjectKind::Operator
        | ObjectKind::OperatorClass
        | ObjectKind::OperatorFamily
        | ObjectKind::OperatorFamilyOperator
        | ObjectKind::OperatorFamilyFunction
        | ObjectKind::Cast
        | ObjectKind::Conversion
        | ObjectKind::Transform => Rank::Operator,
        ObjectKind::Rule => Rank::Rule,
        ObjectKind::Policy => Rank::Policy,
        ObjectKind::Statistics => Rank::Statistics,
        ObjectKind::Publication | ObjectKind::PublicationSchema | ObjectKind::PublicationTable | ObjectKind::Subscription => {
            Rank::Publication
        }
        ObjectKind::EventTrigger => Rank::EventTrigger,
        ObjectKind::DefaultPrivileges => Rank::DefaultPrivileges,
        _ => Rank::Foundation,
    })
}

/// A statement as it was written, with one semicolon at its end.
fn statement(sql: &Sql) -> String {
    format!("{};", text(sql).trim_end().trim_end_matches(';').trim_end())
}
