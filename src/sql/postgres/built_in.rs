//! The names that PostgreSQL itself gives to types and functions, so that they need no schema. Knows no other facts about them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Every type of `pg_catalog` that a column can have, and the pseudo-types (PostgreSQL 18).
const TYPES: &str = "\
aclitem any anyarray anycompatible anycompatiblearray anycompatiblemultirange anycompatiblenonarray anycompatiblerange anyelement \
anyenum anymultirange anynonarray anyrange bit bool box bpchar bytea char cid cidr circle cstring date datemultirange daterange \
event_trigger fdw_handler float4 float8 gtsvector index_am_handler inet int2 int2vector int4 int4multirange int4range int8 \
int8multirange int8range internal interval json jsonb jsonpath language_handler line lseg macaddr macaddr8 money name numeric \
nummultirange numrange oid oidvector path pg_brin_bloom_summary pg_brin_minmax_multi_summary pg_ddl_command pg_dependencies pg_lsn \
pg_mcv_list pg_ndistinct pg_node_tree pg_snapshot point polygon record refcursor regclass regcollation regconfig regdictionary \
regnamespace regoper regoperator regproc regprocedure regrole regtype table_am_handler text tid time timestamp timestamptz timetz \
trigger tsm_handler tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot unknown uuid varbit varchar void xid \
xid8 xml";

static TYPE_NAMES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| TYPES.split_whitespace().collect());

/// The functions of `pg_catalog` that people call: without those behind operators, types and index methods (PostgreSQL 18).
static FUNCTION_NAMES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| include_str!("built_in_functions.txt").lines().collect());

/// Whether `name`, written without a schema, is a type of PostgreSQL itself. The catalog's own name is meant: `int4`, not `integer`.
pub(crate) fn is_type(name: &str) -> bool {
    TYPE_NAMES.contains(name)
}

/// Whether `name`, written without a schema, is a function of PostgreSQL itself.
pub(crate) fn is_function(name: &str) -> bool {
    FUNCTION_NAMES.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalog_names_are_built_in_and_names_of_extensions_are_not() {
        for name in ["int4", "timestamptz", "bpchar", "tsvector", "regclass"] {
            assert!(is_type(name), "{name}");
        }
        for name in ["citext", "hstore", "geometry", "integer", "status"] {
            assert!(!is_type(name), "{name}");
        }
        for name in ["now", "nextval", "gen_random_uuid", "lower", "uuidv7"] {
            assert!(is_function(name), "{name}");
        }
        for name in ["uuid_generate_v4", "similarity", "my_function"] {
            assert!(!is_function(name), "{name}");
        }
    }
}
