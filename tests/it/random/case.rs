//! A case: a schema, and what one to four releases change in it. Made from numbers, so that it shrinks.

use proptest::prelude::*;

use super::change::{self, Statement};
use super::picks::{NUMBERS, Picks};
use super::schema::Schema;
use super::table::{self, Seed};

/// What a case is made from.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    tables: Vec<Seed>,
    /// Releases, with their changes.
    releases: Vec<Vec<[u8; NUMBERS]>>,
}

/// A case as people would have written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) base: String,
    /// The migrations of each release.
    pub(super) releases: Vec<String>,
}

/// Cases of every size, most of them small.
pub(super) fn strategy() -> impl Strategy<Value = Numbers> {
    let numbers = prop::array::uniform14(any::<u8>());
    let table = (numbers, prop::collection::vec(numbers, 1..=4), prop::collection::vec(numbers, 0..=3))
        .prop_map(|(head, columns, more)| Seed { head, columns, more });
    let maybe = prop::option::weighted(0.45, numbers).boxed();
    let release = (numbers, prop::collection::vec(maybe, 0..=7)).prop_map(|(first, others)| {
        let mut changes = vec![first];
        changes.extend(others.into_iter().flatten());
        changes
    });
    let later = prop::option::weighted(0.3, release.clone());
    let more = prop::option::weighted(0.4, table.clone());
    (table, prop::collection::vec(more, 0..=2), release, prop::collection::vec(later, 0..=3)).prop_map(|(table, more, first, later)| {
        let mut tables = vec![table];
        tables.extend(more.into_iter().flatten());
        let mut releases = vec![first];
        releases.extend(later.into_iter().flatten());
        Numbers { tables, releases }
    })
}

impl Numbers {
    /// The SQL that these numbers stand for.
    pub(super) fn case(&self) -> Case {
        let mut schema = Schema::default();
        let mut base = "CREATE SCHEMA app;\nCREATE SCHEMA \"Odd Schema\";\n".to_owned();
        for seed in &self.tables {
            for statement in table::create(&mut schema, seed) {
                base.push_str(&statement);
                base.push('\n');
            }
        }
        let releases = self.releases.iter().map(|changes| {
            schema.begin_release();
            let mut statements: Vec<(Statement, bool)> = Vec::new();
            for numbers in changes {
                let together = numbers[NUMBERS - 1] % 2 == 1;
                statements.extend(change::make(&mut schema, &mut Picks::new(*numbers)).into_iter().map(|statement| (statement, together)));
            }
            change::text(&statements)
        });
        let releases = releases.filter(|text| !text.is_empty()).collect();
        Case { base, releases }
    }
}
