//! The nearest name to one that doesn't exist. Never suggests what is too far off to have been meant.

/// The nearest of `names` to `wrong`, if it is near.
pub(super) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(wrong, name), name))
        .filter(|(likeness, _)| *likeness >= 0.5)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, name)| name)
}

/// `; did you mean …?`, or nothing.
pub(super) fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, names).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_suggested() {
        let names = ["table-is-new", "column-is-new", "concurrently"];
        assert_eq!(nearest("table-is-now", names), Some("table-is-new"));
        assert_eq!(nearest("concurently", names), Some("concurrently"));
        assert_eq!(nearest("weather", names), None);
    }
}
