//! The shape of a release: every table and column as its clients know them, read from a database that has exactly that
//! schema. Independent of what `sql` and `schema` understand, so that a mistake of theirs is found and not repeated.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Connection, PgConnection, Row as _};

use crate::schema::{Identifier, Name};

/// What the clients of a release know.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    pub(super) tables: Vec<Table>,
    pub(super) types: BTreeMap<i64, DataType>,
}

/// A table or a view.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: Name,
    pub(super) kind: Kind,
    pub(super) columns: Vec<Column>,
    /// Columns of unique indexes that are neither partial nor over expressions; the primary key first.
    pub(super) keys: Vec<Vec<Identifier>>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    /// What a view reads.
    pub(super) reads: Vec<Name>,
    /// Conditions on values: the columns that they name, and their text.
    pub(super) conditions: Vec<(Vec<Identifier>, String)>,
    /// Rows by which clients name what they change or reference: the values of columns that keys have, as text.
    pub(super) samples: Vec<Sample>,
}

/// Values by column.
pub(super) type Sample = BTreeMap<Identifier, String>;

/// Whether rows are written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    View,
}

#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: Identifier,
    pub(super) data_type: i64,
    pub(super) modifier: i32,
    /// The type and its modifier that the release gives it, where that is another one and rows must fit it.
    pub(super) becomes: Option<(i64, i32)>,
    /// As `format_type` prints it.
    pub(super) type_text: String,
    pub(super) not_null: bool,
    pub(super) default: Option<String>,
    pub(super) written_by: WrittenBy,
    /// Values that the release's statements are about.
    pub(super) hints: Vec<String>,
}

/// Who gives a column its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WrittenBy {
    Clients,
    /// A sequence, where clients give none.
    Sequence,
    /// The database alone.
    Database,
}

#[derive(Debug, Clone)]
pub(super) struct ForeignKey {
    pub(super) columns: Vec<Identifier>,
    pub(super) references: Name,
    pub(super) referenced: Vec<Identifier>,
}

#[derive(Debug, Clone)]
pub(super) struct DataType {
    pub(super) name: String,
    /// `b`, `e`, `d`, `r`, `m` or `c`, as in `pg_type`.
    pub(super) kind: char,
    /// A domain's type, an array's element, a range's bound.
    pub(super) of: i64,
    pub(super) of_modifier: i32,
    pub(super) is_array: bool,
    pub(super) labels: Vec<String>,
    /// The conditions of a domain.
    pub(super) conditions: Vec<String>,
    /// How many attributes a composite type has.
    pub(super) attributes: i64,
}

const RELATIONS: &str = "
    SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text, a.attname::text, a.atttypid::int8, a.atttypmod,
        pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attgenerated::text, a.attidentity::text
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition AND n.nspname NOT IN ('information_schema', 'concertina') AND n.nspname NOT LIKE 'pg\\_%'
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
    ORDER BY n.nspname, c.relname, a.attnum";

const KEYS: &str = "
    SELECT i.indrelid::int8, ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k (attnum, at)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE k.at <= i.indnkeyatts ORDER BY k.at)
    FROM pg_catalog.pg_index i WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    ORDER BY i.indrelid, NOT i.indisprimary, i.indexrelid";

const FOREIGN_KEYS: &str = "
    SELECT f.conrelid::int8, n.nspname::text, c.relname::text,
        ARRAY(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY AS k (attnum, at) JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum ORDER BY k.at),
        ARRAY(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY AS k (attnum, at) JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum ORDER BY k.at)
    FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class c ON c.oid = f.confrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE f.contype = 'f' AND f.conparentid = 0 ORDER BY f.conrelid, f.conname";

const READS: &str = "
    SELECT DISTINCT r.ev_class::int8, n.nspname::text, c.relname::text
    FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
    JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.oid <> r.ev_class
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";

const CONDITIONS: &str = "
    SELECT k.conrelid::int8, ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)),
        pg_catalog.pg_get_constraintdef(k.oid)
    FROM pg_catalog.pg_constraint k WHERE k.contype = 'c' AND k.conrelid <> 0 AND k.conkey IS NOT NULL
    UNION ALL
    SELECT p.partrelid::int8, ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::int2[])),
        pg_catalog.pg_get_expr(c.relpartbound, c.oid)
    FROM pg_catalog.pg_partitioned_table p JOIN pg_catalog.pg_inherits i ON i.inhparent = p.partrelid JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    WHERE c.relpartbound IS NOT NULL
    ORDER BY 1, 3";

const TYPES: &str = "
    SELECT t.oid::int8, t.typname::text, t.typtype::text, coalesce(nullif(t.typbasetype, 0), nullif(t.typelem, 0), r.rngsubtype, 0)::int8, t.typtypmod,
        t.typcategory = 'A',
        CASE WHEN t.typtype = 'e' THEN ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) ELSE '{}' END,
        CASE WHEN t.typtype = 'd' THEN ARRAY(SELECT pg_catalog.pg_get_constraintdef(k.oid) FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid ORDER BY k.conname) ELSE '{}' END,
        (SELECT count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
    FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid OR r.rngmultitypid = t.oid
    WHERE t.typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c')";

impl Shape {
    /// Reads the shape of a database.
    pub(super) async fn read(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let mut transaction = connection.begin().await?;
        sqlx::query("SELECT set_config('search_path', '', true)").execute(&mut *transaction).await?;
        let mut tables: BTreeMap<i64, Table> = BTreeMap::new();
        for row in sqlx::query(RELATIONS).persistent(false).fetch_all(&mut *transaction).await? {
            let name = Name::new(row.try_get::<String, _>(1)?, row.try_get::<String, _>(2)?);
            let kind = if matches!(row.try_get::<&str, _>(3)?, "v" | "m") { Kind::View } else { Kind::Table };
            let table = tables.entry(row.try_get(0)?).or_insert_with(|| Table::new(name, kind));
            table.columns.push(column(&row)?);
        }
        for row in sqlx::query(KEYS).persistent(false).fetch_all(&mut *transaction).await? {
            if let Some(table) = tables.get_mut(&row.try_get(0)?) {
                table.keys.push(names(row.try_get(1)?));
            }
        }
        for row in sqlx::query(FOREIGN_KEYS).persistent(false).fetch_all(&mut *transaction).await? {
            if let Some(table) = tables.get_mut(&row.try_get(0)?) {
                let references = Name::new(row.try_get::<String, _>(1)?, row.try_get::<String, _>(2)?);
                table.foreign_keys.push(ForeignKey { columns: names(row.try_get(3)?), references, referenced: names(row.try_get(4)?) });
            }
        }
        for row in sqlx::query(READS).persistent(false).fetch_all(&mut *transaction).await? {
            if let Some(view) = tables.get_mut(&row.try_get(0)?).filter(|table| table.kind == Kind::View) {
                view.reads.push(Name::new(row.try_get::<String, _>(1)?, row.try_get::<String, _>(2)?));
            }
        }
        for row in sqlx::query(CONDITIONS).persistent(false).fetch_all(&mut *transaction).await? {
            if let Some(table) = tables.get_mut(&row.try_get(0)?) {
                table.conditions.push((names(row.try_get(1)?), row.try_get(2)?));
            }
        }
        let mut types = BTreeMap::new();
        for row in sqlx::query(TYPES).persistent(false).fetch_all(&mut *transaction).await? {
            types.insert(row.try_get(0)?, data_type(&row)?);
        }
        transaction.rollback().await?;
        Ok(Self { tables: tables.into_values().collect(), types })
    }

    /// Notes for each column the values with which statements compare columns of its name.
    pub(super) fn hint(&mut self, compared: &[(String, String)]) {
        for column in self.tables.iter_mut().flat_map(|table| &mut table.columns) {
            let of_its_name = compared.iter().filter(|(name, _)| name == column.name.as_str()).map(|(_, value)| value.clone());
            column.hints = of_its_name.collect::<BTreeSet<_>>().into_iter().collect();
        }
    }

    /// The table of that name.
    pub(super) fn table(&self, name: &Name) -> Option<&Table> {
        self.tables.iter().find(|table| &table.name == name)
    }
}

impl Table {
    fn new(name: Name, kind: Kind) -> Self {
        Self {
            name,
            kind,
            columns: Vec::new(),
            keys: Vec::new(),
            foreign_keys: Vec::new(),
            reads: Vec::new(),
            conditions: Vec::new(),
            samples: Vec::new(),
        }
    }

    pub(super) fn column(&self, name: &Identifier) -> Option<&Column> {
        self.columns.iter().find(|column| &column.name == name)
    }

    /// The columns that tell its rows apart.
    pub(super) fn key(&self) -> Option<&[Identifier]> {
        self.keys.iter().find(|key| key.iter().all(|name| self.column(name).is_some_and(|column| column.not_null))).map(Vec::as_slice)
    }
}

fn column(row: &sqlx::postgres::PgRow) -> Result<Column, sqlx::Error> {
    let default: Option<String> = row.try_get(9)?;
    let generated = !row.try_get::<&str, _>(10)?.is_empty();
    let written_by = match row.try_get::<&str, _>(11)? {
        _ if generated => WrittenBy::Database,
        "a" => WrittenBy::Database,
        "d" => WrittenBy::Sequence,
        _ if default.as_deref().is_some_and(|default| default.starts_with("nextval(")) => WrittenBy::Sequence,
        _ => WrittenBy::Clients,
    };
    Ok(Column {
        name: Identifier::new(row.try_get::<String, _>(4)?),
        data_type: row.try_get(5)?,
        modifier: row.try_get(6)?,
        becomes: None,
        type_text: row.try_get(7)?,
        not_null: row.try_get(8)?,
        default,
        written_by,
        hints: Vec::new(),
    })
}

fn data_type(row: &sqlx::postgres::PgRow) -> Result<DataType, sqlx::Error> {
    Ok(DataType {
        name: row.try_get(1)?,
        kind: row.try_get::<&str, _>(2)?.chars().next().unwrap_or('b'),
        of: row.try_get(3)?,
        of_modifier: row.try_get(4)?,
        is_array: row.try_get(5)?,
        labels: row.try_get(6)?,
        conditions: row.try_get(7)?,
        attributes: row.try_get(8)?,
    })
}

fn names(texts: Vec<String>) -> Vec<Identifier> {
    texts.into_iter().map(Identifier::new).collect()
}
