//! The version in a migration's name: what it is ordered and told apart by. Reads the names that the usual tools give;
//! knows nothing of what is in the file.

use std::cmp::Ordering;
use std::fmt;

/// What a migration is ordered and told apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// Numbers: `7`, `1.2`, `20240101120000`.
    Numbers(Vec<Number>),
    /// A whole name, compared letter by letter, as Prisma orders its folders. Two may share their digits.
    Folder(String),
    /// No version: the name, digits in it by their value, and the path, so that none equals another.
    Name(Vec<Piece>, String),
    /// To be run again whenever it changes, after all others, in the order of the names (Flyway).
    Repeatable(String),
}

/// A number of any length, without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number(String);

/// A run of digits, or of anything else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Piece {
    /// Digits, before anything else.
    Digits(Number),
    /// What is between digits.
    Text(String),
}

impl Number {
    fn new(digits: &str) -> Self {
        let trimmed = digits.trim_start_matches('0');
        Self(if trimmed.is_empty() { "0" } else { trimmed }.to_owned())
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl Version {
    /// The version that `name` begins with, or the name itself. `path` is where it was found.
    pub(super) fn of(name: &str, path: &str) -> Self {
        match flyway(name).or_else(|| numbers(name)) {
            Some(numbers) => Self::Numbers(numbers),
            None => Self::Name(pieces(name), path.to_owned()),
        }
    }

    /// The version of the file at a place of a list.
    pub(super) fn place(at: usize) -> Self {
        Self::Numbers(vec![Number::new(&at.to_string())])
    }

    /// The same within folders, if all of those are numbers: `2/01_name.sql` comes before `10/01_name.sql`.
    pub(super) fn below(self, folders: &[&str]) -> Self {
        match self {
            Self::Numbers(numbers) if all_digits(folders) => {
                Self::Numbers(folders.iter().map(|folder| Number::new(folder)).chain(numbers).collect())
            }
            Self::Numbers(_) | Self::Folder(_) | Self::Name(..) | Self::Repeatable(_) => self,
        }
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Numbers(_) | Self::Folder(_))
    }

    pub(super) fn is_bare_name(&self) -> bool {
        matches!(self, Self::Name(..))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbers(numbers) => {
                for (index, number) in numbers.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { "." }, number.0)?;
                }
                Ok(())
            }
            Self::Folder(name) | Self::Repeatable(name) | Self::Name(_, name) => f.write_str(name),
        }
    }
}

/// `V1.2__name` or `V1_2__name`: numbers up to the double underscore.
fn flyway(name: &str) -> Option<Vec<Number>> {
    let (version, _) = name.strip_prefix(['V', 'v', 'B'])?.split_once("__")?;
    let numbers: Vec<_> = version.split(['.', '_']).collect();
    all_digits(&numbers).then(|| dotted(&numbers))
}

/// Digits at the beginning, perhaps after a `v`: a number, dotted numbers, or a date with or without a time.
fn numbers(name: &str) -> Option<Vec<Number>> {
    let name = name.strip_prefix(['V', 'v']).unwrap_or(name);
    let groups = groups(name);
    if let Some(number) = short_date(&groups) {
        return Some(vec![number]);
    }
    let date = match groups.as_slice() {
        [(_, year), (Some('-' | '_'), month), (Some('-' | '_'), day), ..] if [year.len(), month.len(), day.len()] == [4, 2, 2] => 3,
        [(_, day), (Some('-' | '_'), time), ..] if day.len() == 8 && matches!(time.len(), 4 | 6) => 1,
        _ => 0,
    };
    if date > 0 {
        let time = groups.get(date).filter(|(_, digits)| digits.len() >= 4).map_or("", |(_, digits)| digits);
        let day: String = groups[..date].iter().map(|(_, digits)| *digits).collect();
        let mut numbers = vec![Number::new(&format!("{day}{time:0<6}"))];
        // Diesel counts on where two are generated in one second: `2024-01-01-120000-0000_name`.
        let counter = groups.get(date + 1).filter(|(separator, _)| !time.is_empty() && *separator == Some('-'));
        numbers.extend(counter.map(|(_, digits)| Number::new(digits)));
        return Some(numbers);
    }
    let dots = groups.iter().skip(1).take_while(|(separator, _)| *separator == Some('.')).count();
    let numbers: Vec<_> = groups.iter().take(dots + 1).map(|(_, digits)| *digits).collect();
    (!numbers.is_empty()).then(|| dotted(&numbers))
}

/// A date with a month or a day of one digit, `2020-12-7-190800`: diesel compares the digits as text, so they are filled up from the
/// right.
fn short_date(groups: &[(Option<char>, &str)]) -> Option<Number> {
    let [(_, year), (Some('-'), month), (Some('-'), day), time @ ..] = groups else { return None };
    let is_short = year.len() == 4 && [month, day].iter().all(|part| part.len() <= 2) && month.len() + day.len() < 4;
    let time = time.first().filter(|(separator, _)| *separator == Some('-')).map_or("", |(_, digits)| digits);
    is_short.then(|| Number::new(&format!("{:0<14}", format!("{year}{month}{day}{time}"))))
}

/// The groups of digits that `name` begins with, each with the separator before it. A group ends where a separator or the
/// name does; digits that run on into a word (`2fa`) are none.
fn groups(name: &str) -> Vec<(Option<char>, &str)> {
    let mut groups = Vec::new();
    let (mut rest, mut separator) = (name, None);
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(end);
        // The first group may run on: `1init.sql` is version 1 to most tools.
        if digits.is_empty() || (!groups.is_empty() && after.starts_with(char::is_alphanumeric)) {
            return groups;
        }
        groups.push((separator, digits));
        let mut characters = after.chars();
        separator = characters.next().filter(|c| matches!(c, '.' | '-' | '_' | 'T'));
        if separator.is_none() {
            return groups;
        }
        rest = characters.as_str();
    }
}

fn all_digits(groups: &[&str]) -> bool {
    groups.iter().all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Dotted numbers; `1.0` is `1`, as Flyway has it.
fn dotted(groups: &[&str]) -> Vec<Number> {
    let mut numbers: Vec<_> = groups.iter().map(|digits| Number::new(digits)).collect();
    while numbers.len() > 1 && numbers.last().is_some_and(|number| number.0 == "0") {
        numbers.pop();
    }
    numbers
}

fn pieces(name: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        pieces.push(if is_digit { Piece::Digits(Number::new(piece)) } else { Piece::Text(piece.to_owned()) });
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_names() {
        for (name, expected) in [
            ("V1__init", "1"),
            ("V1_2__x", "1.2"),
            ("V1.10.0__x", "1.10"),
            ("V2024.01.05__x", "2024.1.5"),
            ("0001_2fa_users", "1"),
            ("0001_2024_report", "1"),
            ("1.2.3-x", "1.2.3"),
            ("20240101120000_x", "20240101120000"),
            ("20240101_120000_x", "20240101120000"),
            ("20240101_2_x", "20240101"),
            ("2019-02-26-002946_create_user", "20190226002946"),
            ("2020-12-7-190800_x", "20201271908000"),
            ("2024_01_01_000000_x", "20240101000000"),
            ("2024-01-01-x", "20240101000000"),
            ("00000000000000_diesel_initial_setup", "0"),
            ("1init", "1"),
            ("v7_x", "7"),
            ("20200317160354000003_x", "20200317160354000003"),
        ] {
            assert_eq!(Version::of(name, "").to_string(), expected, "{name}");
        }
        for name in ["init", "vacuum", "Version", "_1"] {
            assert!(Version::of(name, "").is_bare_name(), "{name}");
        }
    }
}
