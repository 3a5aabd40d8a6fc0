//! Enums, domains, composite types. Must never lose the order of an enum's labels.

use std::sync::Arc;

use super::Catalog;
use super::error::CatalogError;
use super::names;
use crate::schema::change::IfExists;
use crate::schema::constraint::Validity;
use crate::schema::data_type::DataType;
use crate::schema::name::{Identifier, Name};
use crate::schema::object::{ObjectKind, ObjectRef, TypeKind, UserType};
use crate::schema::table::Table;
use crate::schema::text::Sql;

type Check = (Identifier, Sql, Validity);
type Attribute = (Identifier, DataType, Option<Name>);

impl Catalog {
    pub(super) fn create_type(&mut self, user_type: &UserType) -> Result<(), CatalogError> {
        let name = &user_type.name;
        let shell = self.types.get(name).is_some_and(|found| matches!(found.kind, TypeKind::Base { definition: None }));
        let taken = self.types.contains_key(name) || self.tables.contains_key(name) || self.views.contains_key(name);
        if taken && !shell && !self.is_unknown(ObjectKind::Type, name) {
            return Err(CatalogError::exists("type", name));
        }
        if matches!(user_type.kind, TypeKind::Composite { .. }) {
            self.expect_free(name)?;
        }
        self.need_schema(name)?;
        match &user_type.kind {
            TypeKind::Domain { base, .. } => self.expect_type(base)?,
            TypeKind::Composite { attributes } => attributes.iter().try_for_each(|(_, data_type, _)| self.expect_type(data_type))?,
            TypeKind::Enum { .. } | TypeKind::Range { .. } | TypeKind::Base { .. } => {}
        }
        let mut made = user_type.clone();
        if let TypeKind::Domain { base, default, checks, .. } = &mut made.kind {
            // A domain over a domain takes its default over, as it is now.
            if let (None, Some(TypeKind::Domain { default: below, .. })) = (&*default, self.types.get(&base.name).map(|below| &below.kind))
            {
                default.clone_from(below);
            }
            for at in 0..checks.len() {
                if checks[at].0.as_str().is_empty() {
                    let before: Vec<Identifier> = checks.iter().map(|(name, ..)| name.clone()).collect();
                    checks[at].0 = self.choose_domain_constraint(name, &before);
                }
            }
        }
        self.types.insert(name.clone(), Arc::new(made));
        Ok(())
    }

    fn choose_domain_constraint(&self, domain: &Name, before: &[Identifier]) -> Identifier {
        names::choose(domain.name.as_str(), None, "check", |name| {
            before.contains(name) || self.constraint_is_taken(&domain.sibling(name.clone()))
        })
    }

    /// The type to be changed; none if nobody can tell what it looks like.
    fn type_mut(&mut self, name: &Name) -> Result<Option<&mut TypeKind>, CatalogError> {
        if self.expect(self.user_type(name), "type", name)?.is_none() {
            return Ok(None);
        }
        Ok(self.types.get_mut(name).map(|found| &mut Arc::make_mut(found).kind))
    }

    fn labels(&mut self, name: &Name) -> Result<Option<&mut Vec<String>>, CatalogError> {
        match self.type_mut(name)? {
            Some(TypeKind::Enum { labels }) => Ok(Some(labels)),
            Some(TypeKind::Domain { .. } | TypeKind::Composite { .. } | TypeKind::Range { .. } | TypeKind::Base { .. }) => {
                Err(CatalogError::missing("enum", name))
            }
            None => Ok(None),
        }
    }

    pub(super) fn add_enum_value(
        &mut self,
        name: &Name,
        value: &str,
        before: Option<&str>,
        after: Option<&str>,
        if_not_exists: IfExists,
    ) -> Result<(), CatalogError> {
        let unknown = self.unknown_all;
        let Some(labels) = self.labels(name)? else { return Ok(()) };
        if labels.iter().any(|label| label == value) {
            return match if_not_exists {
                IfExists::Skip => Ok(()),
                IfExists::Fail => Err(CatalogError::EnumValueExists { name: name.clone(), value: value.to_owned() }),
            };
        }
        let neighbour = before.or(after);
        let place = neighbour.map(|neighbour| labels.iter().position(|label| label == neighbour));
        let at = match place {
            None => labels.len(),
            Some(Some(at)) => at + usize::from(before.is_none()),
            Some(None) if unknown => labels.len(),
            Some(None) => {
                let value = neighbour.unwrap_or_default().to_owned();
                return Err(CatalogError::NoEnumValue { name: name.clone(), value });
            }
        };
        labels.insert(at, value.to_owned());
        Ok(())
    }

    pub(super) fn rename_enum_value(&mut self, name: &Name, value: &str, to: &str) -> Result<(), CatalogError> {
        let unknown = self.unknown_all;
        let Some(labels) = self.labels(name)? else { return Ok(()) };
        if labels.iter().any(|label| label == to) {
            return Err(CatalogError::EnumValueExists { name: name.clone(), value: to.to_owned() });
        }
        match labels.iter_mut().find(|label| *label == value) {
            Some(label) => to.clone_into(label),
            None if unknown => {}
            None => return Err(CatalogError::NoEnumValue { name: name.clone(), value: value.to_owned() }),
        }
        self.respell_label(name, value, to);
        Ok(())
    }

    fn attributes(&mut self, name: &Name) -> Result<Option<&mut Vec<Attribute>>, CatalogError> {
        match self.type_mut(name)? {
            Some(TypeKind::Composite { attributes }) => Ok(Some(attributes)),
            Some(TypeKind::Enum { .. } | TypeKind::Domain { .. } | TypeKind::Range { .. } | TypeKind::Base { .. }) => {
                Err(CatalogError::missing("composite type", name))
            }
            None => Ok(None),
        }
    }

    fn on_attribute(&mut self, name: &Name, attribute: &Identifier, change: impl FnOnce(&mut Attribute)) -> Result<(), CatalogError> {
        let unknown = self.unknown_all;
        let Some(attributes) = self.attributes(name)? else { return Ok(()) };
        match attributes.iter_mut().find(|(found, ..)| found == attribute) {
            Some(found) => change(found),
            None if unknown => {}
            None => return Err(CatalogError::NotOnType { name: name.clone(), what: "attribute", part: attribute.clone() }),
        }
        Ok(())
    }

    pub(super) fn add_attribute(
        &mut self,
        name: &Name,
        attribute: &Identifier,
        data_type: &DataType,
        collation: Option<&Name>,
    ) -> Result<(), CatalogError> {
        let Some(attributes) = self.attributes(name)? else { return Ok(()) };
        if attributes.iter().any(|(found, ..)| found == attribute) {
            return Err(CatalogError::OnTypeAlready { name: name.clone(), what: "attribute", part: attribute.clone() });
        }
        attributes.push((attribute.clone(), data_type.clone(), collation.cloned()));
        Ok(())
    }

    pub(super) fn drop_attribute(&mut self, name: &Name, attribute: &Identifier, if_exists: IfExists) -> Result<(), CatalogError> {
        let unknown = self.unknown_all;
        let Some(attributes) = self.attributes(name)? else { return Ok(()) };
        let before = attributes.len();
        attributes.retain(|(found, ..)| found != attribute);
        if attributes.len() == before && if_exists == IfExists::Fail && !unknown {
            return Err(CatalogError::NotOnType { name: name.clone(), what: "attribute", part: attribute.clone() });
        }
        Ok(())
    }

    pub(super) fn change_attribute_type(&mut self, name: &Name, attribute: &Identifier, to: &DataType) -> Result<(), CatalogError> {
        let uses = |table: &Arc<Table>| {
            let column = table.columns.iter().find(|column| column.data_type.name == *name)?;
            Some(ObjectRef::part(ObjectKind::Column, table.name.clone(), column.name.as_str()).to_string())
        };
        if let Some(dependent) = self.tables.values().find_map(uses).filter(|_| !self.unknown_all) {
            return Err(CatalogError::TypeInUse { table: name.clone(), column: attribute.clone(), dependent });
        }
        self.on_attribute(name, attribute, |(_, data_type, collation)| {
            *data_type = to.clone();
            *collation = None;
        })
    }

    pub(super) fn rename_attribute(&mut self, name: &Name, attribute: &Identifier, to: &Identifier) -> Result<(), CatalogError> {
        if self.attributes(name)?.is_some_and(|attributes| attributes.iter().any(|(found, ..)| found == to)) {
            return Err(CatalogError::OnTypeAlready { name: name.clone(), what: "attribute", part: to.clone() });
        }
        self.on_attribute(name, attribute, |(found, ..)| *found = to.clone())
    }

    fn domain(&mut self, name: &Name) -> Result<Option<Domain<'_>>, CatalogError> {
        match self.type_mut(name)? {
            Some(TypeKind::Domain { default, not_null, checks, .. }) => Ok(Some(Domain { default, not_null, checks })),
            Some(TypeKind::Enum { .. } | TypeKind::Composite { .. } | TypeKind::Range { .. } | TypeKind::Base { .. }) => {
                Err(CatalogError::missing("domain", name))
            }
            None => Ok(None),
        }
    }

    pub(super) fn set_domain_default(&mut self, name: &Name, to: Option<&Sql>) -> Result<(), CatalogError> {
        if let Some(domain) = self.domain(name)? {
            *domain.default = to.cloned();
        }
        Ok(())
    }

    pub(super) fn set_domain_not_null(&mut self, name: &Name, to: bool) -> Result<(), CatalogError> {
        if let Some(domain) = self.domain(name)? {
            *domain.not_null = to;
        }
        Ok(())
    }

    pub(super) fn add_domain_constraint(
        &mut self,
        name: &Name,
        constraint: Option<&Identifier>,
        check: &Sql,
        validity: Validity,
    ) -> Result<(), CatalogError> {
        let chosen = constraint.cloned().unwrap_or_else(|| self.choose_domain_constraint(name, &[]));
        let Some(domain) = self.domain(name)? else { return Ok(()) };
        if domain.checks.iter().any(|(found, ..)| *found == chosen) {
            return Err(CatalogError::OnTypeAlready { name: name.clone(), what: "constraint", part: chosen });
        }
        domain.checks.push((chosen, check.clone(), validity));
        Ok(())
    }

    pub(super) fn drop_domain_constraint(&mut self, name: &Name, constraint: &Identifier, if_exists: IfExists) -> Result<(), CatalogError> {
        let unknown = self.unknown_all;
        let Some(domain) = self.domain(name)? else { return Ok(()) };
        let before = domain.checks.len();
        domain.checks.retain(|(found, ..)| found != constraint);
        if domain.checks.len() == before && if_exists == IfExists::Fail && !unknown {
            return Err(CatalogError::NotOnType { name: name.clone(), what: "constraint", part: constraint.clone() });
        }
        Ok(())
    }

    pub(super) fn validate_domain_constraint(&mut self, name: &Name, constraint: &Identifier) -> Result<(), CatalogError> {
        self.on_domain_check(name, constraint, |(_, _, validity)| *validity = Validity::Valid)
    }

    pub(super) fn rename_domain_constraint(&mut self, name: &Name, constraint: &Identifier, to: &Identifier) -> Result<(), CatalogError> {
        self.on_domain_check(name, constraint, |(found, ..)| *found = to.clone())?;
        self.rename_comment(ObjectKind::DomainConstraint, name, constraint, to);
        Ok(())
    }

    fn on_domain_check(&mut self, name: &Name, constraint: &Identifier, change: impl FnOnce(&mut Check)) -> Result<(), CatalogError> {
        let unknown = self.unknown_all;
        let Some(domain) = self.domain(name)? else { return Ok(()) };
        match domain.checks.iter_mut().find(|(found, ..)| found == constraint) {
            Some(check) => change(check),
            None if unknown => {}
            None => return Err(CatalogError::NotOnType { name: name.clone(), what: "constraint", part: constraint.clone() }),
        }
        Ok(())
    }
}

/// What can change about a domain.
struct Domain<'a> {
    default: &'a mut Option<Sql>,
    not_null: &'a mut bool,
    checks: &'a mut Vec<Check>,
}
