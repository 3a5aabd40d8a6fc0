//! What well-known extensions bring along, as far as migrations name it: enough to know in which schema `citext` lives.
//! Must never be taken for complete.

use crate::schema::name::Identifier;

/// Types by extension.
const TYPES: &[(&str, &[&str])] = &[
    ("citext", &["citext"]),
    ("cube", &["cube"]),
    ("hstore", &["hstore"]),
    ("intarray", &["query_int"]),
    ("isn", &["ean13", "isbn", "isbn13", "ismn", "ismn13", "issn", "issn13", "upc"]),
    ("ltree", &["lquery", "ltree", "ltxtquery"]),
    ("pgmq", &["message_record"]),
    ("postgis", &["box2d", "box3d", "geography", "geometry"]),
    ("seg", &["seg"]),
    ("vector", &["halfvec", "sparsevec", "vector"]),
];

/// Functions by extension.
const FUNCTIONS: &[(&str, &[&str])] = &[
    ("pg_trgm", &["similarity", "strict_word_similarity", "word_similarity"]),
    ("pgcrypto", &["armor", "crypt", "digest", "encrypt", "gen_random_bytes", "gen_salt", "hmac", "pgp_sym_encrypt"]),
    ("unaccent", &["unaccent"]),
    ("uuid-ossp", &["uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v3", "uuid_generate_v4", "uuid_generate_v5"]),
];

/// Operator classes by extension.
const OPERATOR_CLASSES: &[(&str, &[&str])] = &[
    ("intarray", &["gin__int_ops", "gist__int_ops", "gist__intbig_ops"]),
    ("ltree", &["gist_ltree_ops"]),
    ("pg_trgm", &["gin_trgm_ops", "gist_trgm_ops"]),
    ("vector", &["vector_cosine_ops", "vector_ip_ops", "vector_l1_ops", "vector_l2_ops"]),
];

/// Extensions that choose their schema themselves.
const FIXED: &[(&str, &str)] = &[("pg_cron", "pg_catalog"), ("plpgsql", "pg_catalog")];

/// The extension that brings the type.
pub(super) fn of_type(name: &Identifier) -> Option<&'static str> {
    owner(TYPES, name)
}

/// The extension that brings the function.
pub(super) fn of_function(name: &Identifier) -> Option<&'static str> {
    owner(FUNCTIONS, name)
}

/// The extension that brings the operator class.
pub(super) fn of_operator_class(name: &Identifier) -> Option<&'static str> {
    owner(OPERATOR_CLASSES, name)
}

/// The schema that the extension insists on.
pub(super) fn fixed_schema(extension: &Identifier) -> Option<Identifier> {
    FIXED.iter().find(|(name, _)| extension == name).map(|(_, schema)| Identifier::from(*schema))
}

fn owner(list: &'static [(&'static str, &'static [&'static str])], name: &Identifier) -> Option<&'static str> {
    list.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(extension, _)| *extension)
}
