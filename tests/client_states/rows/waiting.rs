//! While there is a connection, and the call waits for a stream.

use super::{CANCEL, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM, Row, both};
use crate::state::Event::*;
use crate::state::Last::*;
use crate::state::State::*;

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    both(Queued, Silence(25),           "OK | OK",                                             "READY",                       1, "1. -> 1. 3."),
    both(Queued, UnknownFrame,          "OK | OK",                                             "READY",                       1, "1. -> 1. 3."),
    both(Queued, BrokenFrame,           "UNAVAILABLE: the server broke a rule | OK",           "READY IDLE CONNECTING READY", 2, "1. GOAWAY PROTOCOL_ERROR closed -> 1. GOAWAY PROTOCOL_ERROR closed / 1."),
    both(Queued, Limit(0),              "OK | OK",                                             "READY",                       1, "1. -> 1. 3."),
    both(Queued, Limit(10),             "OK | OK",                                             "READY",                       1, "1. 3."),
    both(Queued, Goaway(Above),         "OK | OK",                                             "READY CONNECTING READY",      2, "1. -> 1. closed / 1."),
    both(Queued, Goaway(At),            "OK | OK",                                             "READY CONNECTING READY",      2, "1. -> 1. closed / 1."),
    both(Queued, Goaway(Below),         "OK | OK",                                             "READY CONNECTING READY",      2, "1. closed -> 1. closed / 1. 3."),
    both(Queued, CalmGoaway(At),        "OK | OK",                                             "READY CONNECTING READY",      2, "1. -> 1. closed / 1."),
    both(Queued, CalmGoaway(Below),     "OK | OK",                                             "READY CONNECTING READY",      2, "1. closed -> 1. closed / 1. 3."),
    both(Queued, TwoGoaways(At),        "OK | OK",                                             "READY CONNECTING READY",      2, "1. -> 1. closed / 1."),
    both(Queued, TwoGoaways(Below),     "OK | OK",                                             "READY CONNECTING READY",      2, "1. closed -> 1. closed / 1. 3."),
    both(Queued, Reset(REFUSED_STREAM), "OK | OK",                                             "READY",                       1, "1. 3. -> 1. 3. 5."),
    both(Queued, Reset(CANCEL),         "CANCELLED: reset the stream with CANCEL | OK",        "READY",                       1, "1. 3."),
    both(Queued, Reset(NO_ERROR),       "INTERNAL: reset the stream with NO_ERROR | OK",       "READY",                       1, "1. 3."),
    both(Queued, Reset(INTERNAL_ERROR), "INTERNAL: reset the stream with INTERNAL_ERROR | OK", "READY",                       1, "1. 3."),
    both(Queued, Answer(0),             "OK | OK",                                             "READY",                       1, "1. 3."),
    both(Queued, Answer(7),             "PERMISSION_DENIED: not you | OK",                     "READY",                       1, "1. 3."),
    both(Queued, AnswerReset(0),        "OK | OK",                                             "READY",                       1, "1. 3."),
    both(Queued, AnswerReset(7),        "PERMISSION_DENIED: not you | OK",                     "READY",                       1, "1. 3."),
    both(Queued, Fin,                   "UNAVAILABLE: the server closed the connection | OK",  "READY IDLE CONNECTING READY", 2, "1. closed -> 1. closed / 1."),
    both(Queued, Cut,                   "UNAVAILABLE: connection reset | OK",                  "READY IDLE CONNECTING READY", 2, "1. closed -> 1. closed / 1."),
    both(Queued, Mute,                  "UNAVAILABLE: did not answer a PING | OK",             "READY CONNECTING READY",      2, "1. closed -> 1. closed / 1."),
    both(Queued, Deadline,              "OK | DEADLINE_EXCEEDED: within its 5s",               "READY",                       1, "1."),
    both(Queued, CallDropped,           "OK | dropped",                                        "READY",                       1, "1."),
    both(Queued, ChannelDropped,        "OK | OK",                                             "READY SHUTDOWN",              1, "1. -> 1. 3. closed"),
    both(Queued, IdleTimeout,           "OK | OK",                                             "READY",                       1, "1. -> 1. 3."),
    both(Queued, NewCall,               "OK | OK | OK",                                        "READY",                       1, "1. -> 1. 3. 5."),

    both(Barred, Silence(25),           "OK",                                                  "READY",                       1, "nothing -> 1."),
    both(Barred, BrokenFrame,           "OK",                                                  "READY CONNECTING READY",      2, "GOAWAY PROTOCOL_ERROR closed -> GOAWAY PROTOCOL_ERROR closed / 1."),
    both(Barred, Limit(0),              "OK",                                                  "READY",                       1, "nothing -> 1."),
    both(Barred, Limit(1),              "OK",                                                  "READY",                       1, "1."),
    both(Barred, Goaway(At),            "OK",                                                  "READY CONNECTING READY",      2, "closed -> closed / 1."),
    both(Barred, CalmGoaway(At),        "OK",                                                  "READY CONNECTING READY",      2, "closed -> closed / 1."),
    both(Barred, Fin,                   "OK",                                                  "READY CONNECTING READY",      2, "closed -> closed / 1."),
    both(Barred, Cut,                   "OK",                                                  "READY CONNECTING READY",      2, "closed -> closed / 1."),
    both(Barred, Mute,                  "OK",                                                  "READY",                       1, "nothing -> 1."),
    both(Barred, Deadline,              "DEADLINE_EXCEEDED: within its 5s",                    "READY",                       1, "nothing"),
    both(Barred, CallDropped,           "dropped",                                             "READY",                       1, "nothing"),
    both(Barred, ChannelDropped,        "OK",                                                  "READY SHUTDOWN",              1, "nothing -> 1. closed"),
    both(Barred, NewCall,               "OK | OK",                                             "READY",                       1, "nothing -> 1. 3."),
];
