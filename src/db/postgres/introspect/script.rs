//! Pieces and their dependencies to a script of DDL in an order in which it can run. Pure: asks no database.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use super::piece::{Dependency, Kind, Object, Piece};

/// The statements that make the schema, in order, without semicolons.
pub(super) fn script(pieces: Vec<Piece>, dependencies: &[Dependency]) -> Vec<String> {
    let (mut afterwards, pieces): (Vec<Piece>, Vec<Piece>) = pieces.into_iter().partition(|piece| piece.kind.is_made_afterwards());
    let made: BTreeSet<Object> = pieces.iter().chain(&afterwards).map(|piece| piece.object).collect();
    let mut draft = Draft::new(pieces, dependencies);
    draft.break_cycles(dependencies);
    let mut statements: Vec<String> =
        draft.order(dependencies).into_iter().flat_map(|node| draft.nodes[node].statements(&draft.parts)).collect();
    // Members of extensions have owners and comments too; those come with the extension.
    afterwards.retain(|piece| !matches!(piece.kind, Kind::Owner | Kind::Comment) || made.contains(&piece.object));
    afterwards.sort_by(|a, b| (a.kind, &a.name, a.position, &a.text).cmp(&(b.kind, &b.name, b.position, &b.text)));
    statements.extend(afterwards.into_iter().filter_map(|piece| piece.text));
    statements
}

/// One statement or more that are made at one go.
#[derive(Debug)]
struct Node {
    kind: Kind,
    name: String,
    /// The object, unless it is an attachment or a shell, on which nothing depends by name.
    object: Option<Object>,
    /// The object or objects to which it belongs: of an attachment, child and parent; of a key, its table.
    about: Vec<u32>,
    text: String,
    tail: Option<String>,
}

/// The script in the making.
struct Draft {
    nodes: Vec<Node>,
    by_object: BTreeMap<Object, usize>,
    /// Parts that stand in the statement of their owner, by its number.
    parts: BTreeMap<u32, Vec<Piece>>,
    /// The owner's number of each part that stands in its statement.
    part_of: BTreeMap<Object, u32>,
    /// What each hidden object is a part of.
    within: BTreeMap<Object, Object>,
    /// The tables and types in whose statements parts may stand, by number.
    owners: BTreeMap<u32, usize>,
    /// Types that are announced by a shell before the functions that they are made of.
    shells: Vec<Shell>,
}

/// `CREATE TYPE name`, which lets functions name a type that isn't there yet.
struct Shell {
    itself: usize,
    complete: usize,
    /// The functions that the complete type is made of.
    functions: Vec<usize>,
}

impl Draft {
    fn new(pieces: Vec<Piece>, dependencies: &[Dependency]) -> Self {
        let within = dependencies.iter().filter(|dependency| dependency.within).map(|it| (it.object, it.on)).collect();
        let mut draft = Self {
            nodes: Vec::new(),
            by_object: BTreeMap::new(),
            parts: BTreeMap::new(),
            part_of: BTreeMap::new(),
            within,
            owners: BTreeMap::new(),
            shells: Vec::new(),
        };
        for piece in pieces {
            draft.place(piece);
        }
        draft
    }

    /// Puts a piece where it belongs: into its owner's statement, or into one of its own.
    fn place(&mut self, piece: Piece) {
        match piece.part_of {
            Some(owner) if piece.kind.is_a_part() && (piece.text.is_some() || piece.kind == Kind::Column) => {
                // A column's object is its table; it is no object of its own.
                if piece.kind != Kind::Column {
                    self.part_of.insert(piece.object, owner);
                }
                self.parts.entry(owner).or_default().push(piece);
            }
            _ => self.add(piece),
        }
    }

    fn add(&mut self, piece: Piece) {
        let Piece { kind, object, part_of, name, text, tail, .. } = piece;
        let (text, tail) = if kind.is_a_part() { (tail.or(text), None) } else { (text, tail) };
        let Some(text) = text else { return };
        let number = self.nodes.len();
        let attachment = kind == Kind::Attach;
        let about = part_of.into_iter().chain(attachment.then_some(object.number)).collect();
        if !attachment {
            self.by_object.insert(object, number);
        }
        if matches!(kind, Kind::Table | Kind::Type) {
            self.owners.insert(object.number, number);
        }
        self.nodes.push(Node { kind, name, object: (!attachment).then_some(object), about, text, tail });
    }

    /// The node that makes an object.
    fn node(&self, mut object: Object) -> Option<usize> {
        // An element of an array of rows of a table is three steps away; nothing is ten.
        for _ in 0..10 {
            if let Some(node) = self.by_object.get(&object) {
                return Some(*node);
            }
            if let Some(owner) = self.part_of.get(&object) {
                return self.owners.get(owner).copied();
            }
            object = *self.within.get(&object)?;
        }
        None
    }

    /// An edge leads from what is needed to what needs it.
    fn graph(&self, dependencies: &[Dependency]) -> DiGraphMap<usize, ()> {
        let mut graph = DiGraphMap::new();
        for node in 0..self.nodes.len() {
            graph.add_node(node);
        }
        self.add_attachments(&mut graph);
        for shell in &self.shells {
            graph.add_edge(shell.itself, shell.complete, ());
        }
        for dependency in dependencies {
            if let (Some(node), Some(on)) = (self.node(dependency.object), self.node(dependency.on))
                && node != on
            {
                let shell = self.shells.iter().find(|shell| shell.complete == on && shell.functions.contains(&node));
                graph.add_edge(shell.map_or(on, |shell| shell.itself), node, ());
            }
        }
        graph
    }

    /// What belongs to a table comes after it, and keys after the table has been attached to its parent.
    fn add_attachments(&self, graph: &mut DiGraphMap<usize, ()>) {
        let mut attachments: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (number, node) in self.nodes.iter().enumerate() {
            if node.kind == Kind::Attach {
                for table in &node.about {
                    attachments.entry(*table).or_default().push(number);
                }
            }
        }
        for (number, node) in self.nodes.iter().enumerate() {
            for owner in node.about.iter().filter_map(|table| self.owners.get(table)) {
                graph.add_edge(*owner, number, ());
            }
            // On ATTACH the database looks for indexes like the parent's, and makes what it doesn't find. So there are none yet.
            if node.kind == Kind::Key {
                for attachment in node.about.iter().filter_map(|table| attachments.get(table)).flatten() {
                    graph.add_edge(*attachment, number, ());
                }
            }
        }
    }

    /// Takes out of a table what needs something that needs the table, and makes shells of types for the functions that they need.
    fn break_cycles(&mut self, dependencies: &[Dependency]) {
        let cycles: Vec<Vec<usize>> = tarjan_scc(&self.graph(dependencies)).into_iter().filter(|nodes| nodes.len() > 1).collect();
        for cycle in cycles {
            for node in &cycle {
                let kind = self.nodes[*node].kind;
                if kind == Kind::Table {
                    self.take_out_parts(*node, &cycle, dependencies);
                } else if kind == Kind::Type {
                    self.announce(*node, &cycle);
                }
            }
        }
    }

    fn announce(&mut self, complete: usize, cycle: &[usize]) {
        let Some(text) = self.nodes[complete].tail.clone() else { return };
        let functions = cycle.iter().copied().filter(|node| self.nodes[*node].kind == Kind::Routine).collect();
        let name = self.nodes[complete].name.clone();
        self.shells.push(Shell { itself: self.nodes.len(), complete, functions });
        self.nodes.push(Node { kind: Kind::Type, name, object: None, about: Vec::new(), text, tail: None });
    }

    fn take_out_parts(&mut self, table: usize, cycle: &[usize], dependencies: &[Dependency]) {
        let Some(number) = self.nodes[table].object.map(|object| object.number) else { return };
        let parts = self.parts.remove(&number).unwrap_or_default();
        let needs_the_cycle = |part: &Piece| {
            dependencies
                .iter()
                .filter(|dependency| dependency.object == part.object)
                .any(|dependency| self.node(dependency.on).is_some_and(|node| node != table && cycle.contains(&node)))
        };
        let (out, stay): (Vec<Piece>, Vec<Piece>) =
            parts.into_iter().partition(|part| part.kind != Kind::Column && part.tail.is_some() && needs_the_cycle(part));
        self.parts.insert(number, stay);
        for part in out {
            self.part_of.remove(&part.object);
            self.add(part);
        }
    }

    /// The nodes in an order in which each comes after all that it needs; where that leaves a choice, by kind and name.
    fn order(&self, dependencies: &[Dependency]) -> Vec<usize> {
        let graph = self.graph(dependencies);
        let key = |node: usize| (self.nodes[node].kind, self.nodes[node].name.as_str(), node);
        let mut waiting: BTreeMap<usize, usize> =
            graph.nodes().map(|node| (node, graph.neighbors_directed(node, Direction::Incoming).count())).collect();
        let mut ready: BTreeSet<_> = waiting.iter().filter(|(_, needs)| **needs == 0).map(|(node, _)| key(*node)).collect();
        let mut order = Vec::with_capacity(self.nodes.len());
        loop {
            let next = match ready.pop_first() {
                Some((_, _, node)) => node,
                // A cycle that can't be broken: the database made it by CREATE OR REPLACE. One of it has to come first.
                None => match waiting.keys().map(|node| key(*node)).min() {
                    Some((_, _, node)) => node,
                    None => return order,
                },
            };
            if waiting.remove(&next).is_none() {
                continue;
            }
            order.push(next);
            for dependent in graph.neighbors(next) {
                if let Some(needs) = waiting.get_mut(&dependent) {
                    *needs -= 1;
                    if *needs == 0 {
                        ready.insert(key(dependent));
                    }
                }
            }
        }
    }
}

impl Node {
    fn statements(&self, parts: &BTreeMap<u32, Vec<Piece>>) -> Vec<String> {
        let parts = self.object.and_then(|object| parts.get(&object.number)).map(Vec::as_slice).unwrap_or_default();
        if self.kind == Kind::Table {
            return self.table(parts);
        }
        // Only a domain has parts beside a table: its checks.
        let checks = parts.iter().filter_map(|part| part.text.as_deref()).map(|check| format!(" {check}"));
        vec![checks.fold(self.text.clone(), |text, check| text + &check)]
    }

    /// CREATE TABLE, and what has to be said afterwards of columns that the table inherits.
    fn table(&self, parts: &[Piece]) -> Vec<String> {
        let mut columns: Vec<&Piece> = parts.iter().filter(|part| part.kind == Kind::Column).collect();
        columns.sort_by_key(|column| column.position);
        let mut elements = Vec::new();
        let mut later = Vec::new();
        for column in columns {
            let default = parts.iter().find(|part| part.kind == Kind::Default && part.position == column.position);
            match &column.text {
                Some(text) => {
                    let words = [Some(text.as_str()), default.and_then(|default| default.text.as_deref()), column.tail.as_deref()];
                    let element = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
                    if !element.ends_with(" with options") {
                        elements.push(element);
                    }
                }
                None => later.extend(self.of_an_inherited_column(column, default)),
            }
        }
        let mut checks: Vec<&Piece> = parts.iter().filter(|part| part.kind == Kind::Check).collect();
        checks.sort_by_key(|check| &check.name);
        elements.extend(checks.into_iter().filter_map(|check| check.text.clone()));
        let typed = self.text.contains(" of ") && elements.is_empty();
        let list = if typed { String::new() } else { format!(" (\n    {}\n)", elements.join(",\n    ")) };
        let tail = self.tail.as_deref().filter(|tail| !tail.is_empty()).map(|tail| format!(" {tail}")).unwrap_or_default();
        let mut statements = vec![format!("{}{list}{tail}", self.text)];
        statements.append(&mut later);
        statements
    }

    fn of_an_inherited_column(&self, column: &Piece, default: Option<&Piece>) -> Vec<String> {
        let not_null =
            column.tail.as_ref().map(|_| format!("alter table only {} alter column {} set not null", self.name, quoted(&column.name)));
        default.and_then(|default| default.tail.clone()).into_iter().chain(not_null).collect()
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
