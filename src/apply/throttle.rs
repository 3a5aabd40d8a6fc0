//! When a backfill has to pause: while somebody has switched it off, and while a replica lags behind.

use std::time::{Duration, Instant};

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::event::Pause;

/// How often the replicas are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What is known of the reasons to pause.
#[derive(Debug)]
pub(super) struct Throttle {
    most_lag: Duration,
    looked: Option<Instant>,
}

impl Throttle {
    pub(super) fn new(most_lag: Duration) -> Self {
        Self { most_lag, looked: None }
    }

    /// A reason to pause, if there is one now.
    pub(super) async fn reason(&mut self, connection: &mut PgConnection) -> Result<Option<Pause>, sqlx::Error> {
        let switch: Option<String> = sqlx::query_scalar("SELECT because FROM concertina.pause").fetch_optional(&mut *connection).await?;
        if let Some(because) = switch {
            return Ok(Some(Pause::Switch { because }));
        }
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return Ok(None);
        }
        // An idle replica keeps its last lag, so only one that has something left to replay counts.
        let worst = sqlx::query(
            "SELECT coalesce(application_name, ''), extract(epoch FROM replay_lag)::float8 FROM pg_catalog.pg_stat_replication
                WHERE replay_lag IS NOT NULL AND replay_lsn < pg_current_wal_lsn() ORDER BY replay_lag DESC LIMIT 1",
        )
        .fetch_optional(connection)
        .await?;
        if let Some(row) = worst {
            let behind = Duration::try_from_secs_f64(row.try_get(1)?).unwrap_or_default();
            if behind > self.most_lag {
                return Ok(Some(Pause::Lag { replica: row.try_get(0)?, behind }));
            }
        }
        self.looked = Some(Instant::now());
        Ok(None)
    }
}
