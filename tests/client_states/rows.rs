//! The table. A row has, in its columns,
//!
//! - whether the call fails fast, waits for a connection, or both with the same result;
//! - the state and the event, see [`State`] and [`Event`];
//! - how each call ends: `OK`, `CODE: a part of the message`, `dropped`. The holder of the only stream comes first, the call
//!   of a [`NewCall`](Event::NewCall) last. An error comes at once; `later` is one that
//!   comes after the peers have answered everything;
//! - the states that `Channel::watch` tells from the event on, the first of which it finds. FAILURE is TRANSIENT_FAILURE. IDLE
//!   is left out between READY and CONNECTING, because a watch may miss it;
//! - how often the channel has dialled;
//! - what the peers saw. Connections are divided by `/`, and after `->` stands what they saw once they had answered
//!   everything, if that is more. `1` is a stream that was opened, `1.` one whose request was ended, `1!CANCEL` one that the
//!   client has reset, GOAWAY one with an error; `closed` is the client's end of the connection. `nobody` is no connection,
//!   `nothing` is one without a stream.
//!
//! These cannot occur, and have no row: what a peer sends, before it has accepted; what it sends about a stream, while
//! none is open; the bytes of TLS and HTTP/1.1, after SETTINGS, where they are a broken frame; other frames in the middle
//! of SETTINGS; the end of a call, while there is none; another call, after the channel was dropped. The answer of a dial
//! concerns only a dial that waits, and the end of the back-off only a channel that has failed. The last stream of a GOAWAY
//! makes no difference while no stream is open.

mod calling;
mod connecting;
mod leaving;
mod waiting;

use h2::Reason;

use crate::state::{Event, State};
use crate::world::End;

const CANCEL: Reason = Reason::CANCEL;
const INTERNAL_ERROR: Reason = Reason::INTERNAL_ERROR;
const NO_ERROR: Reason = Reason::NO_ERROR;
const REFUSED_STREAM: Reason = Reason::REFUSED_STREAM;

pub const TABLES: [&[Row]; 4] = [connecting::ROWS, calling::ROWS, waiting::ROWS, leaving::ROWS];

#[derive(Debug)]
pub struct Row {
    /// Whether the calls wait for a connection: once for each way to play it.
    pub patience: &'static [bool],
    pub state: State,
    pub event: Event,
    calls: &'static str,
    states: &'static str,
    dials: usize,
    peers: &'static str,
}

impl Row {
    pub fn expects(&self, end: &End) -> bool {
        let expected: Vec<&str> = self.calls.split(" | ").filter(|call| !call.is_empty()).collect();
        let are_calls_right = expected.len() == end.calls.len()
            && expected.iter().zip(&end.calls).all(|(expected, call)| match expected.split_once(": ") {
                Some((code, part)) => call.split_once(": ").is_some_and(|(of, text)| of == code && text.contains(part)),
                None => call == expected,
            });
        are_calls_right && self.states == end.states && self.dials == end.dials && self.peers == end.peers
    }
}

const fn fast(
    state: State, event: Event, calls: &'static str, states: &'static str, dials: usize, peers: &'static str,
) -> Row {
    Row { patience: &[false], state, event, calls, states, dials, peers }
}

const fn waits(
    state: State, event: Event, calls: &'static str, states: &'static str, dials: usize, peers: &'static str,
) -> Row {
    Row { patience: &[true], state, event, calls, states, dials, peers }
}

const fn both(
    state: State, event: Event, calls: &'static str, states: &'static str, dials: usize, peers: &'static str,
) -> Row {
    Row { patience: &[false, true], state, event, calls, states, dials, peers }
}
