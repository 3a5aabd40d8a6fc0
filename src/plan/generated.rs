//! Names of what the plan makes and later removes: functions, triggers, second columns, indexes under construction.

use sha2::{Digest, Sha256};

use crate::schema::Identifier;

/// PostgreSQL cuts identifiers at this many bytes, silently.
const LONGEST: usize = 63;

/// A name made of `prefix` and `about`: readable, within 63 bytes, and different for different `about`.
pub(crate) fn generated_name(prefix: &str, about: &[&str]) -> Identifier {
    let digest = Sha256::digest(about.join("\u{0}").as_bytes());
    let suffix = digest.iter().take(4).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let mut readable = format!("{prefix}_{}", about.join("_"));
    let room = LONGEST - suffix.len() - 1;
    let mut end = readable.len().min(room);
    while !readable.is_char_boundary(end) {
        end -= 1;
    }
    readable.truncate(end);
    Identifier::new(format!("{readable}_{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::generated_name;

    #[test]
    fn names_stay_within_63_bytes_and_differ() {
        let long = "é".repeat(60);
        let one = generated_name("sync", &["public", &long, "a"]);
        let two = generated_name("sync", &["public", &long, "b"]);
        assert!(one.as_str().len() <= 63 && two.as_str().len() <= 63, "{one} {two}");
        assert_ne!(one, two);
        assert_ne!(generated_name("sync", &["a", "b_c"]), generated_name("sync", &["a_b", "c"]));
    }
}
