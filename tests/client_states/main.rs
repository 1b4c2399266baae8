//! Bad input and faults: every state of a client's channel times every event is one row of a table, with what the caller
//! sees and what the peer sees.
//!
//! The table is in [`rows`]. The peers are at the other ends of pipes in memory, and the clock is stopped: time passes only
//! while everybody waits. After each row another call must pass, and when the channel and the calls are dropped, each pipe
//! must be closed and no task be left.

mod calls;
#[path = "../common/mod.rs"]
mod common;
mod net;
mod peer;
mod rows;
mod state;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use common::Text;
use rows::{Row, TABLES};
use tokio::runtime::Builder;
use tokio::time::timeout;
use world::{End, World};

h2grpc::service! {
    /// Says back what is said.
    service Echo("test.v1.Echo") client EchoClient {
        rpc Say  as say  (Text)        returns (Text);
        rpc List as list (Text)        returns (stream Text);
        rpc Join as join (stream Text) returns (Text);
    }
}

#[test]
fn every_state_times_every_event_ends_as_the_table_says() {
    let rows = TABLES.into_iter().flatten().flat_map(|row| row.patience.iter().map(move |waits| (row, *waits)));
    let results: Vec<Result<(), String>> = rows.map(|(row, waits)| check(row, waits)).collect();
    let wrong: Vec<&str> = results.iter().filter_map(|result| result.as_ref().err()).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of {} rows are wrong:\n{}", wrong.len(), results.len(), wrong.join("\n"));
}

/// Plays a row. The error names it.
fn check(row: &Row, waits: bool) -> Result<(), String> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let played = catch_unwind(AssertUnwindSafe(|| runtime.block_on(play(row, waits))));
    let told = match played {
        Ok(Ok(end)) if row.expects(&end) => return Ok(()),
        Ok(Ok(end)) => format!("it ends with {end:?}"),
        Ok(Err(wrong)) => wrong,
        Err(_) => "it panics".to_owned(),
    };
    let how = if waits { "waits for a connection" } else { "fails fast" };
    Err(format!("{:?} x {:?}, and the call {how}: {told}\n  expected {row:?}", row.state, row.event))
}

async fn play(row: &Row, waits: bool) -> Result<End, String> {
    let mut world = World::new(waits, row.event);
    let playing = async {
        world.bring(row.state).await;
        world.happen(row.event).await;
        world.end().await
    };
    timeout(Duration::from_secs(3600), playing).await.unwrap_or_else(|_| Err("it hangs".to_owned()))
}
