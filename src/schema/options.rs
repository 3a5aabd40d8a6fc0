//! Options as in `WITH (fillfactor = 70)`. In the order in which they were set, for so the database keeps them; two are equal if they
//! say the same in any order.

use indexmap::IndexMap;

/// Options by name.
pub type Options = IndexMap<String, String>;

/// Sets options as `SET (…)` does: what is set anew moves to the end.
pub(crate) fn set(options: &mut Options, new: &Options) {
    for (name, value) in new {
        options.shift_remove(name);
        options.insert(name.clone(), value.clone());
    }
}
