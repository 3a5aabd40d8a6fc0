//! Statements that make objects, and the order in which they can be run. Must never print a statement before what it needs,
//! unless the two need each other.

use std::collections::BTreeMap;

use crate::schema::{DataType, Identifier, Name, Part, Sql};

/// What comes first, where nothing else decides: in the order in which people read a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Schema,
    Extension,
    /// What types and tables are made of: collations, foreign servers, text search.
    Foundation,
    Type,
    Operator,
    Table,
    Sequence,
    View,
    Routine,
    ForeignKey,
    Trigger,
    Rule,
    Policy,
    Statistics,
    Publication,
    EventTrigger,
    Remark,
    DefaultPrivileges,
}

/// What an item needs or provides. Relations and types share their names, for each relation is a type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    /// A table, view or sequence, or a type.
    Relation(Name),
    /// All functions of a name.
    Function(Name),
    /// An index.
    Index(Name),
}

/// The place of an item in a list of them.
pub(super) type Place = usize;

/// One or more statements that are written together.
#[derive(Debug)]
pub(super) struct Item {
    /// What decides where nothing else does.
    pub(super) rank: Rank,
    /// The same within the rank.
    pub(super) name: String,
    /// The statements, each with its semicolon.
    pub(super) text: String,
    /// What must be there before.
    pub(super) needs: Vec<Thing>,
    /// What is there afterwards.
    pub(super) provides: Vec<Thing>,
    /// What is to stand right after it.
    pub(super) follows: Vec<Place>,
    /// Whether it stands for itself, or is only there as what follows another one.
    pub(super) root: bool,
    /// Neighbours of one family have no blank line between them.
    pub(super) family: String,
}

impl Item {
    /// An item without needs.
    pub(super) fn new(rank: Rank, name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            rank,
            name: name.into(),
            text: text.into(),
            needs: Vec::new(),
            provides: Vec::new(),
            follows: Vec::new(),
            root: true,
            family: String::new(),
        }
    }
}

/// Items under construction.
#[derive(Debug, Default)]
pub(super) struct Items {
    list: Vec<Item>,
}

impl Items {
    /// Adds one that stands for itself.
    pub(super) fn add(&mut self, item: Item) -> Place {
        self.list.push(item);
        self.list.len() - 1
    }

    /// Adds one that stands right after another one.
    pub(super) fn follow(&mut self, place: Place, item: Item) -> Place {
        let next = self.add(Item { root: false, ..item });
        self.list[place].follows.push(next);
        next
    }

    /// The item itself.
    pub(super) fn item_mut(&mut self, place: Place) -> &mut Item {
        &mut self.list[place]
    }

    /// Whether what is needed needs, in the end, the thing itself.
    pub(super) fn leads_back(&self, needs: &[Thing], thing: &Thing) -> bool {
        if !needs.iter().any(|need| matches!(need, Thing::Function(_))) {
            return false;
        }
        let providers = self.providers();
        let mut seen = vec![false; self.list.len()];
        let mut open: Vec<Place> = needs.iter().flat_map(|need| provided(&providers, need)).collect();
        while let Some(place) = open.pop() {
            if std::mem::replace(&mut seen[place], true) {
                continue;
            }
            for need in &self.list[place].needs {
                if need == thing {
                    return true;
                }
                open.extend(provided(&providers, need));
            }
        }
        false
    }

    fn providers(&self) -> BTreeMap<Thing, Vec<Place>> {
        let mut providers: BTreeMap<Thing, Vec<Place>> = BTreeMap::new();
        for (place, item) in self.list.iter().enumerate() {
            for thing in &item.provides {
                providers.entry(thing.clone()).or_default().push(place);
            }
        }
        providers
    }

    /// All items in an order in which they can be run.
    pub(super) fn in_order(&self) -> Vec<&Item> {
        let mut order = Order { items: &self.list, providers: self.providers(), seen: vec![false; self.list.len()], done: Vec::new() };
        let mut roots: Vec<Place> = (0..self.list.len()).filter(|place| self.list[*place].root).collect();
        roots.sort_by_key(|place| (self.list[*place].rank, &self.list[*place].name, *place));
        for root in roots {
            order.visit(root);
        }
        order.done.into_iter().map(|place| &self.list[place]).collect()
    }
}

struct Order<'a> {
    items: &'a [Item],
    providers: BTreeMap<Thing, Vec<Place>>,
    seen: Vec<bool>,
    done: Vec<Place>,
}

impl Order<'_> {
    /// What it needs, then the item, then what is to stand right after it. What needs each other is written as it comes.
    fn visit(&mut self, place: Place) {
        if std::mem::replace(&mut self.seen[place], true) {
            return;
        }
        let item = &self.items[place];
        for need in &item.needs {
            for provider in provided(&self.providers, need) {
                self.visit(provider);
            }
        }
        self.done.push(place);
        for follower in &item.follows {
            self.visit(*follower);
        }
    }
}

/// Who provides a thing. A name without a schema may be that of any schema.
fn provided(providers: &BTreeMap<Thing, Vec<Place>>, need: &Thing) -> Vec<Place> {
    let same_kind = |thing: &Thing| match (thing, need) {
        (Thing::Relation(have), Thing::Relation(wanted))
        | (Thing::Function(have), Thing::Function(wanted))
        | (Thing::Index(have), Thing::Index(wanted)) => wanted.schema.is_none() && have.name == wanted.name,
        (Thing::Relation(_) | Thing::Function(_) | Thing::Index(_), _) => false,
    };
    match providers.get(need) {
        Some(places) => places.clone(),
        None => providers.iter().filter(|(thing, _)| same_kind(thing)).flat_map(|(_, places)| places.clone()).collect(),
    }
}

/// What a piece of SQL names.
pub(super) fn needs_of(sql: &Sql) -> Vec<Thing> {
    let things = sql.parts.iter().filter_map(|part| match part {
        Part::Text(_) | Part::Column { of: None, .. } => None,
        Part::Column { of: Some(name), .. } | Part::Relation(name) | Part::RelationLiteral(name) | Part::Type(name) => {
            Some(Thing::Relation(name.clone()))
        }
        Part::Function(name) => Some(Thing::Function(name.clone())),
    });
    things.collect()
}

/// What a type needs, unless it is built in.
pub(super) fn needs_of_type(data_type: &DataType) -> Option<Thing> {
    let built_in = data_type.name.schema.as_ref().is_some_and(|schema| schema == "pg_catalog");
    (!built_in).then(|| Thing::Relation(data_type.name.clone()))
}

/// A key by which names sort.
pub(super) fn sort_key(name: &Name) -> String {
    let schema = name.schema.as_ref().map_or("", Identifier::as_str);
    format!("{schema}\u{0}{}", name.name)
}
