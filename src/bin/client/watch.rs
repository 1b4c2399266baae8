//! The states of a channel, told as they change.

use std::io::{self, Write};

use h2grpc::client::ConnectivityState;
use tokio::sync::watch::Receiver;

/// Prints each state on standard error, the first and the last included, until the channel is gone.
///
/// A state that is replaced before this task has its turn is left out.
pub async fn print(mut states: Receiver<ConnectivityState>) {
    loop {
        let state = *states.borrow_and_update();
        // Where it can't be told, the calls go on.
        let _ = writeln!(io::stderr(), "state: {state}");
        if states.changed().await.is_err() {
            return;
        }
    }
}
