//! What clients try between the steps, and what it means that something comes of it which is not what they know.

use sqlx::Connection;

use super::super::Error;
use super::super::client::{Client, Keep, Outcome, Statement, difference, differs_by_null, differs_within, execute, run, run_all};
use super::super::journal::{CheckKind, Example};
use super::super::queries::{self, Query};
use super::super::shadow::Shadow;
use super::{Course, Reach, Stage, TIMES};
use crate::schema::Name;

impl Course<'_> {
    fn reaches(&self, reach: Reach, table: &Name) -> bool {
        reach == Reach::All || self.touched.contains(table)
    }

    pub(super) async fn try_old(&mut self, shadow: &mut Shadow, reach: Reach) -> Result<(), Error> {
        let client = std::mem::take(&mut self.old);
        let result = self.attempt(shadow, &client, CheckKind::OldClients, "a client of the release before", reach).await;
        self.old = client;
        result?;
        self.ask(&self.case.queries.old, CheckKind::OldClients).await
    }

    pub(super) async fn try_new(&mut self, shadow: &mut Shadow, reach: Reach) -> Result<(), Error> {
        let client = std::mem::take(&mut self.new);
        let result = self.attempt(shadow, &client, CheckKind::NewClients, "a client of the release", reach).await;
        self.new = client;
        result?;
        self.ask(&self.case.queries.new, CheckKind::NewClients).await
    }

    async fn attempt(&mut self, shadow: &mut Shadow, client: &Client, check: CheckKind, who: &str, reach: Reach) -> Result<(), Error> {
        let chosen: Vec<&(Statement, Outcome, Outcome)> = client
            .statements
            .iter()
            .filter(|(statement, first, _)| self.reaches(reach, &statement.table) && matches!(first, Outcome::Rows(_)))
            .collect();
        let plain: Vec<Statement> = chosen.iter().map(|(statement, ..)| statement.clone()).collect();
        let plain = self.through(check).statements(plain);
        let outcomes = run_all(&mut self.connection, &plain, Keep::No).await?;
        for ((statement, first, second), outcome) in chosen.into_iter().zip(outcomes) {
            let differs = self.differs(shadow, statement, (first, second, &outcome), check).await?;
            if let Some((_, found)) = &differs
                && check == CheckKind::NewClients
                && self.waits(check)
                && self.meets_what_goes(found, statement, who).await?
            {
                continue;
            }
            match (differs, &self.vouched) {
                (None, _) => self.journal.held(check, 1),
                (Some(_), _) if self.is_vouched_for() => self.journal.declared(format!(
                    "a directive vouches that {who} can live without this until contract is done: it {} on {}",
                    statement.about, statement.table
                )),
                (Some(_), Some(step)) if self.stage != Stage::Ended => {
                    let reason = format!(
                        "a directive has moved step {step}, and its author vouches for what clients then meet: {who} {} on {}",
                        statement.about, statement.table
                    );
                    self.journal.untried(reason);
                }
                (Some((_, found)), _) if self.is_misplaced(&found, statement, check) => self.journal.declared(format!(
                    "until contract, rows are there that {who} no longer knows where it {} on {}",
                    statement.about, statement.table
                )),
                (Some((_, found)), _) if self.waits(check) && self.is_declared(&found, statement) => {
                    self.journal.declared(format!(
                        "until contract, this does not yet work for {who}: it {} on {} ({found})",
                        statement.about, statement.table
                    ));
                }
                (Some((_, found)), _)
                    if check == CheckKind::OldClients
                        && let Some(what) = self.meets_what_comes(&found, statement) =>
                {
                    self.journal.declared(format!("{what}: {who} meets an error where it {} on {}", statement.about, statement.table));
                }
                (Some(_), _)
                    if check == CheckKind::OldClients
                        && !self.views.new.serves(&statement.table)
                        && differs_within(&self.retyped(&statement.table), first, &outcome) =>
                {
                    self.journal
                        .declared(format!("{who} meets values of the new type where it {} on {}", statement.about, statement.table));
                }
                (Some(_), _) if self.is_filled(statement) && differs_by_null(first, second, &outcome) => {
                    self.journal.declared(format!("until contract, NULL is filled where {who} {} on {}", statement.about, statement.table));
                }
                (Some((expected, found)), _) => {
                    let about = format!("{who} {} on {}", statement.about, statement.table);
                    self.journal.failed(
                        check,
                        Example { state: self.state.clone(), about, sql: self.through(check).sql(&statement.sql), expected, found },
                    );
                }
            }
        }
        Ok(())
    }

    /// What is expected and what was found, if they differ where the plan and the clock let nothing differ.
    async fn differs(
        &mut self,
        shadow: &mut Shadow,
        statement: &Statement,
        (first, second, outcome): (&Outcome, &Outcome, &Outcome),
        check: CheckKind,
    ) -> Result<Option<(String, String)>, Error> {
        let works = matches!(outcome, Outcome::Rows(_));
        let loose = self.is_loose(statement, check);
        Ok(match difference(first, second, outcome) {
            Some(_) if works && loose => None,
            Some(_) if works && self.is_of_its_time(shadow, statement, check).await? => None,
            other => other,
        })
    }

    /// Whether a new client meets what contract is still to take away: a trigger, or a default that fails for old clients, too.
    async fn meets_what_goes(&mut self, found: &str, statement: &Statement, who: &str) -> Result<bool, Error> {
        let what = if self.works_without_triggers(statement).await? {
            format!("until contract, triggers that go then still fire for {who}, and refuse what it does")
        } else if self.fails_as_before(found, statement) {
            format!("until contract, {who} meets an error that clients of the release before have always met ({found})")
        } else {
            return Ok(false);
        };
        self.journal.declared(format!("{what}: it {} on {}", statement.about, statement.table));
        Ok(true)
    }

    /// What of the release a client of the one before meets: rows that it adds or takes away, or an index.
    fn meets_what_comes(&self, found: &str, statement: &Statement) -> Option<String> {
        if self.fails_in_an_index(found, statement) {
            Some(format!("an index of the release is made of what fails for a value ({found})"))
        } else if self.fails_as_written(found, statement) {
            Some(format!("what the release computes fails for a value that rows may have, with the migrations as written too ({found})"))
        } else if self.fails_to_convert(found, statement) {
            Some(format!("a value of the old type is none of the new one, which the plan tells of ({found})"))
        } else if self.unties_a_row(found, statement) {
            Some("the release inserts rows that reference others, and one of those is to go or to get another key".to_owned())
        } else if self.misses_a_key(found, statement) {
            Some("the release changes keys, and one is named as it was".to_owned())
        } else if self.misses_a_row(found, statement) {
            Some("the release deletes rows, and one of them is named".to_owned())
        } else if self.meets_an_equal_row(found, statement) {
            Some("the release changes values that a unique key tells rows apart by, and two rows would become equal".to_owned())
        } else if self.repeats_a_row(found, statement) {
            Some("the release inserts rows, and the key of one of them is brought again".to_owned())
        } else {
            None
        }
    }

    /// Whether it works once the triggers are gone that contract drops.
    async fn works_without_triggers(&mut self, statement: &Statement) -> Result<bool, Error> {
        let drops = self.case.plan.deferred.iter().filter(|step| step.id.slug().starts_with("drop-trigger"));
        let mut sql: Vec<&str> = drops.flat_map(|step| &step.sql).map(String::as_str).filter(|sql| !sql.contains("concertina")).collect();
        if sql.is_empty() || statement.sql.starts_with("SELECT ") {
            return Ok(false);
        }
        let own = self.views.new.sql(&statement.sql);
        sql.push(&own);
        execute(&mut self.connection, "BEGIN").await?;
        let outcome = run(&mut self.connection, &sql.join("; "), Keep::No).await?;
        execute(&mut self.connection, "ROLLBACK").await?;
        Ok(matches!(outcome, Outcome::Rows(_)))
    }

    /// What users ask. A query that fails in one state is told of once.
    async fn ask(&mut self, queries: &[Query], check: CheckKind) -> Result<(), Error> {
        let first = self.through(check).found_first();
        for query in queries {
            match queries::ask(&mut self.connection, query, self.case.queries.execute, first.as_deref()).await? {
                Ok(()) => self.journal.held(check, 1),
                Err(found) => {
                    let about = format!("query {} of {}", query.name, query.file);
                    let expected = "it works".to_owned();
                    self.journal.failed(check, Example { state: self.state.clone(), about, sql: query.sql.clone(), expected, found });
                }
            }
        }
        Ok(())
    }

    /// Whether what gave something else when it was learned gives the same as in its own release's database when both are asked
    /// now: what a view shows, or a default gives, may go by the clock.
    async fn is_of_its_time(&mut self, shadow: &mut Shadow, statement: &Statement, check: CheckKind) -> Result<bool, Error> {
        let is_old = check == CheckKind::OldClients;
        let written = &self.written;
        let databases = if is_old { [&written.old, &written.old_again] } else { [&written.new, &written.again] }.map(Clone::clone);
        if self.agrees(shadow, statement, &databases, check).await? {
            return Ok(true);
        }
        if is_old {
            return Ok(false);
        }
        if self.later.is_none() {
            self.later = self.written_later(shadow).await?;
        }
        match self.later.clone() {
            Some(later) => self.agrees(shadow, statement, &[self.written.new.clone(), later], check).await,
            None => Ok(false),
        }
    }

    /// Whether it gives the same now as in both databases.
    async fn agrees(
        &mut self,
        shadow: &Shadow,
        statement: &Statement,
        [one, other]: &[String; 2],
        check: CheckKind,
    ) -> Result<bool, Error> {
        let (mut one, mut other) = (shadow.connect(one).await?, shadow.connect(other).await?);
        let statements = std::slice::from_ref(statement);
        let here = self.through(check).statements(vec![statement.clone()]);
        let mut same = false;
        for _ in 0..TIMES {
            let (first, second) = (run_all(&mut one, statements, Keep::No).await?, run_all(&mut other, statements, Keep::No).await?);
            let found = run_all(&mut self.connection, &here, Keep::No).await?;
            let differs = |((first, second), found)| difference(first, second, found).is_some();
            same = !first.iter().zip(&second).zip(&found).any(differs);
            if same {
                break;
            }
        }
        let _ = (one.close().await, other.close().await);
        Ok(same)
    }
}
