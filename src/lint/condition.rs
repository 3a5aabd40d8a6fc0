//! `when` and `unless` of a rule: what must be true of a change. A closed vocabulary, checked when the rule is read; nothing
//! in it can fail later.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer, value::SeqAccessDeserializer};
use toml::Spanned;

use super::fact::{FACTS, Fact, Reading};
use super::site::Site;
use super::suggest::did_you_mean;

/// What must all be true of a change.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    demands: Vec<Demand>,
}

#[derive(Debug, Clone)]
struct Demand {
    fact: &'static Fact,
    wanted: Wanted,
}

#[derive(Debug, Clone)]
enum Wanted {
    Flag(bool),
    AnyOf(Vec<String>),
    AtLeast(usize),
}

impl Condition {
    /// Whether all of it is true of `site`.
    pub(super) fn holds(&self, site: &Site<'_>) -> bool {
        self.demands.iter().all(|demand| demand.holds(site))
    }
}

impl Demand {
    fn holds(&self, site: &Site<'_>) -> bool {
        match (&self.fact.reading, &self.wanted) {
            (Reading::Flag(read), Wanted::Flag(wanted)) => read(site) == *wanted,
            (Reading::Words { read, .. }, Wanted::AnyOf(wanted)) => {
                read(site).iter().any(|word| wanted.iter().any(|wanted| wanted == word))
            }
            (Reading::Level { read, .. }, Wanted::AtLeast(least)) => read(site).is_some_and(|level| level >= *least),
            // `check` gives each reading its own kind of demand.
            (Reading::Flag(_) | Reading::Words { .. } | Reading::Level { .. }, _) => false,
        }
    }
}

/// A mistake in a rule, with the bytes that it is about.
pub(super) type Mistake = (Range<usize>, String);

/// A condition, or several of which one is enough, as written: `[when]` or `[[when]]`.
#[derive(Debug)]
pub(super) struct Written(Vec<WrittenCondition>);

type WrittenCondition = std::collections::BTreeMap<Spanned<String>, Spanned<Given>>;

impl Written {
    /// The conditions, with every name and word known.
    pub(super) fn check(self) -> Result<Vec<Condition>, Mistake> {
        self.0.into_iter().map(check_one).collect()
    }
}

fn check_one(written: WrittenCondition) -> Result<Condition, Mistake> {
    let mut demands: Vec<(usize, Demand)> = Vec::new();
    for (name, given) in written {
        let start = name.span().start;
        let fact = FACTS.iter().find(|fact| fact.name == name.get_ref()).ok_or_else(|| {
            let names = FACTS.iter().map(|fact| fact.name);
            (name.span(), format!("there is no fact `{}`{}", name.get_ref(), did_you_mean(name.get_ref(), names)))
        })?;
        demands.push((start, Demand { fact, wanted: wanted(fact, given)? }));
    }
    demands.sort_by_key(|(start, _)| *start);
    Ok(Condition { demands: demands.into_iter().map(|(_, demand)| demand).collect() })
}

fn wanted(fact: &Fact, given: Spanned<Given>) -> Result<Wanted, Mistake> {
    let span = given.span();
    match (&fact.reading, given.into_inner()) {
        (Reading::Flag(_), Given::Flag(flag)) => Ok(Wanted::Flag(flag)),
        (Reading::Words { words, .. }, Given::Word(word)) => Ok(Wanted::AnyOf(vec![known(fact, words, &word, span)?])),
        (Reading::Words { words, .. }, Given::Words(given)) => {
            let given = given.into_iter().map(|word| known(fact, words, word.get_ref(), word.span()));
            Ok(Wanted::AnyOf(given.collect::<Result<_, _>>()?))
        }
        (Reading::Level { levels, .. }, Given::Word(word)) => {
            let word = known(fact, levels, &word, span)?;
            Ok(Wanted::AtLeast(levels.iter().position(|level| *level == word).unwrap_or_default()))
        }
        (Reading::Flag(_), _) => Err((span, format!("`{}` is true or false", fact.name))),
        (Reading::Words { .. }, _) => Err((span, format!("`{}` is a word or a list of words", fact.name))),
        (Reading::Level { .. }, _) => Err((span, format!("`{}` is one word", fact.name))),
    }
}

fn known(fact: &Fact, words: &[&str], word: &str, span: Range<usize>) -> Result<String, Mistake> {
    if words.contains(&word) {
        return Ok(word.to_owned());
    }
    Err((span, format!("`{}` is never `{word}`{}", fact.name, did_you_mean(word, words.iter().copied()))))
}

/// A value in a condition, as written.
#[derive(Debug)]
enum Given {
    Flag(bool),
    Word(String),
    Words(Vec<Spanned<String>>),
}

// Written out, since serde's `untagged` loses the places of what is inside.
impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOfThree;
        impl<'de> Visitor<'de> for OneOfThree {
            type Value = Given;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, a word or a list of words")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Given, E> {
                Ok(Given::Flag(flag))
            }

            fn visit_str<E>(self, word: &str) -> Result<Given, E> {
                Ok(Given::Word(word.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, words: A) -> Result<Given, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(words)).map(Given::Words)
            }
        }
        deserializer.deserialize_any(OneOfThree)
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of facts, or several")
            }

            fn visit_map<A: MapAccess<'de>>(self, condition: A) -> Result<Written, A::Error> {
                WrittenCondition::deserialize(MapAccessDeserializer::new(condition)).map(|condition| Written(vec![condition]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, conditions: A) -> Result<Written, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(conditions)).map(Written)
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}
