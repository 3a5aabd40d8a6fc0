//! Objects that aren't tables, and how any object is referred to.

use crate::schema::options::Options;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::change::Lookup;
use super::column::Column;
use super::data_type::DataType;
use super::name::{Identifier, Name};
use super::text::Sql;

/// Every kind of object that a statement can name (PostgreSQL's `ObjectType`, in our words).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectKind {
    AccessMethod,
    Aggregate,
    OperatorFamilyOperator,
    OperatorFamilyFunction,
    Attribute,
    Cast,
    Column,
    Collation,
    Conversion,
    Database,
    Default,
    DefaultPrivileges,
    Domain,
    DomainConstraint,
    EventTrigger,
    Extension,
    ForeignDataWrapper,
    ForeignServer,
    ForeignTable,
    Function,
    Index,
    Language,
    LargeObject,
    MaterializedView,
    OperatorClass,
    Operator,
    OperatorFamily,
    Parameter,
    Policy,
    Procedure,
    Publication,
    PublicationSchema,
    PublicationTable,
    Role,
    Routine,
    Rule,
    Schema,
    Sequence,
    Subscription,
    Statistics,
    TableConstraint,
    Table,
    Tablespace,
    Transform,
    Trigger,
    TextSearchConfiguration,
    TextSearchDictionary,
    TextSearchParser,
    TextSearchTemplate,
    Type,
    UserMapping,
    View,
}

impl ObjectKind {
    /// The kind in words: `materialized view`.
    pub fn words(self) -> &'static str {
        match self {
            Self::AccessMethod => "access method",
            Self::Aggregate => "aggregate",
            Self::OperatorFamilyOperator => "operator family operator",
            Self::OperatorFamilyFunction => "operator family function",
            Self::Attribute => "attribute",
            Self::Cast => "cast",
            Self::Column => "column",
            Self::Collation => "collation",
            Self::Conversion => "conversion",
            Self::Database => "database",
            Self::Default => "default",
            Self::DefaultPrivileges => "default privileges",
            Self::Domain => "domain",
            Self::DomainConstraint => "constraint",
            Self::EventTrigger => "event trigger",
            Self::Extension => "extension",
            Self::ForeignDataWrapper => "foreign data wrapper",
            Self::ForeignServer => "foreign server",
            Self::ForeignTable => "foreign table",
            Self::Function => "function",
            Self::Index => "index",
            Self::Language => "language",
            Self::LargeObject => "large object",
            Self::MaterializedView => "materialized view",
            Self::OperatorClass => "operator class",
            Self::Operator => "operator",
            Self::OperatorFamily => "operator family",
            Self::Parameter => "parameter",
            Self::Policy => "policy",
            Self::Procedure => "procedure",
            Self::Publication => "publication",
            Self::PublicationSchema => "schema of publication",
            Self::PublicationTable => "table of publication",
            Self::Role => "role",
            Self::Routine => "routine",
            Self::Rule => "rule",
            Self::Schema => "schema",
            Self::Sequence => "sequence",
            Self::Subscription => "subscription",
            Self::Statistics => "statistics",
            Self::TableConstraint => "constraint",
            Self::Table => "table",
            Self::Tablespace => "tablespace",
            Self::Transform => "transform",
            Self::Trigger => "trigger",
            Self::TextSearchConfiguration => "text search configuration",
            Self::TextSearchDictionary => "text search dictionary",
            Self::TextSearchParser => "text search parser",
            Self::TextSearchTemplate => "text search template",
            Self::Type => "type",
            Self::UserMapping => "user mapping",
            Self::View => "view",
        }
    }
}

/// An object by kind and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name. Of something that lives on a table (trigger, policy, rule, constraint, column), the table's.
    pub name: Name,
    /// The name on that table; or of a function, operator or cast its argument types, written canonically.
    pub detail: Option<String>,
}

impl ObjectRef {
    /// An object that stands by itself.
    pub fn new(kind: ObjectKind, name: Name) -> Self {
        Self { kind, name, detail: None }
    }

    /// Something that lives on a table or type (a column, a trigger …), or a function with its arguments.
    pub fn part(kind: ObjectKind, name: Name, detail: impl Into<String>) -> Self {
        Self { kind, name, detail: Some(detail.into()) }
    }
}

/// For people: "column `email` of `users`", "function `f(integer)`".
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, detail } = self;
        let callable = matches!(kind, ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Aggregate | ObjectKind::Routine);
        match detail {
            Some(arguments) if callable => write!(f, "{} `{name}({arguments})`", kind.words()),
            Some(part) => write!(f, "{} `{part}` of `{name}`", kind.words()),
            None => write!(f, "{} `{name}`", kind.words()),
        }
    }
}

/// A sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its name.
    pub name: Name,
    /// `smallint`, `integer` or `bigint`.
    pub data_type: DataType,
    /// `INCREMENT`, `MINVALUE`, `MAXVALUE`, `START`, `CACHE`, `CYCLE`: upper case, where they differ from the default.
    pub options: Options,
    /// The column with which it is dropped.
    pub owned_by: Option<(Name, Identifier)>,
    /// Whether it is the hidden sequence of an identity column.
    pub identity: bool,
    /// `UNLOGGED`.
    pub unlogged: bool,
}

/// A view or materialized view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub name: Name,
    /// Whether its rows are kept.
    pub materialized: bool,
    /// The query, with its references resolved and `*` spelled out.
    pub query: Sql,
    /// Its columns, in order. Unknown where the query reads something that isn't known.
    pub columns: Lookup<Vec<ViewColumn>>,
    /// The columns of tables and views that the query reads.
    pub reads: Lookup<Vec<(Name, Identifier)>>,
    /// `WITH (security_invoker = …)`.
    pub options: Options,
    /// `WITH [LOCAL|CASCADED] CHECK OPTION`: `local` or `cascaded`.
    pub check_option: Option<String>,
    /// `WITH NO DATA`.
    pub populated: bool,
    /// `TABLESPACE` of a materialized view.
    pub tablespace: Option<Identifier>,
    /// Defaults of an updatable view's columns.
    pub defaults: BTreeMap<Identifier, Sql>,
    /// What ALTER COLUMN … SET has said of a materialized view's columns: statistics, storage, compression, options.
    pub settings: BTreeMap<Identifier, Column>,
}

/// A column of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewColumn {
    /// Its name.
    pub name: Identifier,
    /// Its type, where it could be told.
    pub data_type: Option<DataType>,
}

/// A user-defined type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserType {
    /// Its name.
    pub name: Name,
    /// What it is made of.
    pub kind: TypeKind,
}

impl UserType {
    /// The multirange type that comes with a range type, under the name that PostgreSQL makes up for it.
    pub fn multirange(&self) -> Option<Name> {
        let TypeKind::Range { options } = &self.kind else { return None };
        let named = options.parts.iter().any(|part| matches!(part, super::text::Part::Text(text) if text.contains("multirange_type_name")));
        let name = self.name.name.as_str();
        let made = if name.contains("range") { name.replacen("range", "multirange", 1) } else { format!("{name}_multirange") };
        (!named).then(|| self.name.sibling(made))
    }
}

/// What a user-defined type is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TypeKind {
    /// An enum, with its labels in order.
    Enum { labels: Vec<String> },
    /// A domain.
    Domain {
        /// The type below it.
        base: DataType,
        /// `COLLATE`.
        collation: Option<Name>,
        /// `DEFAULT`.
        default: Option<Sql>,
        /// `NOT NULL`.
        not_null: bool,
        /// CHECKs over VALUE: name, condition, and whether existing values are known to obey.
        checks: Vec<(Identifier, Sql, super::constraint::Validity)>,
    },
    /// A composite type.
    Composite { attributes: Vec<(Identifier, DataType, Option<Name>)> },
    /// A range type, with its options as written.
    Range { options: Sql },
    /// A base type with its whole CREATE statement, or a shell type without.
    Base { definition: Option<Sql> },
}

/// A function, procedure or aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routine {
    /// Its name.
    pub name: Name,
    /// Function, Procedure or Aggregate.
    pub kind: ObjectKind,
    /// The input argument types, canonical, by which overloads differ.
    pub arguments: Vec<DataType>,
    /// `immutable`, `stable` or `volatile`.
    pub volatility: Volatility,
    /// The whole CREATE statement, as written, with references marked.
    pub definition: Sql,
    /// What it returns, where that is a plain type.
    pub returns: Option<DataType>,
    /// Tables and columns in an SQL-standard body (`BEGIN ATOMIC`), which the database tracks.
    pub reads: Vec<(Name, Identifier)>,
    /// ALTER statements that came after it and that the CREATE statement doesn't hold.
    pub alters: Vec<Sql>,
}

/// How a function's result depends on time and data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Volatility {
    /// The same result for ever.
    Immutable,
    /// The same result within a statement.
    Stable,
    /// Anything.
    #[default]
    Volatile,
}

/// A trigger on a table or view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Its name, unique on its table.
    pub name: Identifier,
    /// The table or view.
    pub table: Name,
    /// The function that it calls.
    pub function: Name,
    /// The columns of `UPDATE OF`.
    pub update_of: Vec<Identifier>,
    /// The condition of `WHEN`; its columns are marked.
    pub when: Option<Sql>,
    /// The whole CREATE statement, with references marked.
    pub definition: Sql,
    /// `O` origin (default), `D` disabled, `R` replica, `A` always.
    pub enabled: char,
    /// `AFTER … DEFERRABLE` constraint trigger's or a plain one.
    pub constraint: bool,
    /// Whether it is a partition's copy of its parent's trigger. Those are here only where they are enabled otherwise.
    pub copied: bool,
}

/// A row security policy, a rule, statistics, a publication … : anything that is kept as its CREATE statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// What it is.
    pub object: ObjectRef,
    /// The whole CREATE statement, with references marked.
    pub create: Sql,
    /// ALTER statements that came after it and that the CREATE statement doesn't hold.
    pub alters: Vec<Sql>,
    /// What it can't live without.
    pub depends_on: Vec<ObjectRef>,
}

/// The argument types of a function as an [`ObjectRef`] has them: valid in SQL, and the same for one function however it was written.
pub fn signature(arguments: &[DataType]) -> String {
    arguments.iter().map(argument).collect::<Vec<_>>().join(", ")
}

/// Whether `detail` is the signature of a function with these arguments. Types whose schema one of the two doesn't know are taken for
/// the same if their names are.
pub fn is_signature(detail: &str, arguments: &[DataType]) -> bool {
    let unqualified = |data_type: &DataType| {
        let name = if data_type.name.schema.as_ref().is_some_and(|schema| schema == "pg_catalog") {
            data_type.name.clone()
        } else {
            Name::unqualified(data_type.name.name.clone())
        };
        DataType { name, ..data_type.clone() }
    };
    detail == signature(arguments) || detail == signature(&arguments.iter().map(unqualified).collect::<Vec<_>>())
}

fn argument(data_type: &DataType) -> String {
    let quoted = |name: &Identifier| format!("\"{}\"", name.as_str().replace('"', "\"\""));
    let Name { schema, name } = &data_type.name;
    let name = match schema {
        Some(schema) if schema == "pg_catalog" && name != "char" => name.to_string(),
        Some(schema) if schema != "pg_catalog" => format!("{}.{}", quoted(schema), quoted(name)),
        Some(_) | None => quoted(name),
    };
    if data_type.dimensions > 0 { format!("{name}[]") } else { name }
}
