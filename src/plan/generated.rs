//! Names of what the plan makes and later removes: functions, triggers, second columns, indexes under construction.

use sha2::{Digest, Sha256};

use super::draft::path;
use crate::schema::{Identifier, Name};

/// PostgreSQL cuts identifiers at this many bytes, silently.
pub(crate) const LONGEST: usize = 63;

/// A name for something of ours about `what` on `table`: readable, unquoted, within 63 bytes, and different for another
/// table, another `what` or another prefix.
pub(crate) fn generated_name(prefix: &str, table: &Name, what: &Identifier) -> Identifier {
    let digest = Sha256::digest(format!("{}\u{0}{what}", path(table)).as_bytes());
    let suffix = digest.iter().take(4).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let on = format!("{}_", table.name);
    let about = if what.as_str().starts_with(&on) { what.to_string() } else { format!("{on}{what}") };
    let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '_' };
    let readable: String = format!("{prefix}_{about}").chars().map(plain).take(LONGEST - suffix.len() - 1).collect();
    Identifier::new(format!("{readable}_{suffix}"))
}

/// A name beside `name` that says what stands there: `users__base`, within 63 bytes.
pub(crate) fn beside(name: &Identifier, what: &str) -> Identifier {
    let suffix = format!("__{what}");
    if name.as_str().len() + suffix.len() <= LONGEST {
        return Identifier::new(format!("{name}{suffix}"));
    }
    // A name that is cut could be another's too.
    let digest = Sha256::digest(name.as_str().as_bytes());
    let suffix = digest.iter().take(4).fold(format!("{suffix}_"), |text, byte| format!("{text}{byte:02x}"));
    let mut end = LONGEST.saturating_sub(suffix.len()).min(name.as_str().len());
    while !name.as_str().is_char_boundary(end) {
        end -= 1;
    }
    Identifier::new(format!("{}{suffix}", &name.as_str()[..end]))
}

#[cfg(test)]
mod tests {
    use super::{beside, generated_name};
    use crate::schema::{Identifier, Name};

    #[test]
    fn names_stay_within_63_bytes_and_differ() {
        let name = |table: &str, what: &str| generated_name("sync", &Name::new("public", table), &Identifier::from(what)).to_string();
        let long = "é".repeat(60);
        assert!(name(&long, "a").len() <= 63, "{}", name(&long, "a"));
        assert_ne!(name(&long, "a"), name(&long, "b"));
        assert!(beside(&Identifier::from(long.as_str()), "held_2026.11").as_str().len() <= 63);
        assert_eq!(beside(&Identifier::from("users"), "base").as_str(), "users__base");
        assert_ne!(name("a", "b_c"), name("a_b", "c"));
        assert!(name("users", "full_name").starts_with("sync_users_full_name_"), "{}", name("users", "full_name"));
        assert!(name("users", "users_name_idx").starts_with("sync_users_name_idx_"));
    }
}
