//! The pages in docs/ are true: what is generated is fresh, and what is written by hand names everything that there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use concertina::cli::Exit;
use concertina::plan::Plan;
use concertina::{lint, report};
use serde_json::Value;

use crate::recipes::STORIES;

/// Set to write the generated pages instead of comparing them.
const UPDATE: &str = "CONCERTINA_UPDATE_PAGES";

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(page(name)).unwrap()
}

fn plan_schema() -> Value {
    serde_json::to_value(schemars::schema_for!(Plan)).unwrap()
}

#[test]
fn the_plan_schema_is_fresh() {
    let text = serde_json::to_string_pretty(&plan_schema()).unwrap() + "\n";
    if std::env::var_os(UPDATE).is_some() {
        fs::write(page("plan.schema.json"), &text).unwrap();
    }
    assert!(read("plan.schema.json") == text, "docs/plan.schema.json is not what src/plan/format.rs says; run `{UPDATE}=yes make test`");
}

#[test]
fn the_page_on_rules_is_fresh() {
    let text = report::rules::page(lint::all(), lint::vocabulary());
    if std::env::var_os(UPDATE).is_some() {
        fs::write(page("rules.md"), &text).unwrap();
    }
    assert!(read("rules.md") == text, "docs/rules.md is not what rules/ says; run `{UPDATE}=yes make test`");
}

#[test]
fn the_page_on_the_life_of_recipes_has_every_story() {
    let page = read("recipes-report.md");
    let measured: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| [")?.split(']').next()).collect();
    assert_eq!(measured, STORIES, "docs/recipes-report.md is not of these recipes; run `make recipes-report`");
}

/// The names of all fields and all values of enums in a JSON Schema.
fn names(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                found.extend(properties.keys().cloned());
            }
            found.extend(map.get("const").and_then(Value::as_str).map(str::to_owned));
            found.extend(map.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| names(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| names(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_page_on_plan_files_explains_every_name() {
    let page = read("plan-file.md");
    let mut found = BTreeSet::new();
    names(&plan_schema(), &mut found);
    let missing: Vec<_> = found.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/plan-file.md says nothing of {missing:?}");
}

#[test]
fn the_page_on_exit_codes_lists_them_all() {
    let page = read("exit-codes.md");
    for exit in Exit::ALL {
        assert!(page.contains(&format!("| {} |", exit as u8)), "docs/exit-codes.md says nothing of {exit:?}");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages =
        docs.chain([root.join("README.md"), root.join("CHANGELOG.md")]).filter(|path| path.extension().is_some_and(|end| end == "md"));
    for path in pages {
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let target = path.parent().unwrap().join(link);
            assert!(link.contains("://") || target.exists(), "{} links to {link}, which is not there", path.display());
        }
    }
}
