//! One account of memory: what the peers of a server make it hold is counted, and bounded in all.
//!
//! Limits for one call or one message multiply: 100 calls on each of 1,000 connections. So whatever waits, gathers or is
//! stored for a peer is charged to the [`Account`] of its connection, and the accounts draw on the one [`Memory`] of
//! their server.
//!
//! ```text
//!   Charge: a call's head and its places      \
//!           messages that wait to be sent      |
//!           DATA that h2 holds                  >-- Account (a connection) --- Memory (the server)
//!           unfinished messages, unread DATA   |    connection_memory          memory
//!           what a service stores for a call   |
//!           buffers of the connection         /
//! ```
//!
//! What happens as memory grows scarce, in this order:
//!
//! | held | what happens |
//! |---|---|
//! | 1/2 | [`Account::is_short`]: connections over their share get smaller windows, and their answers wait in smaller pieces |
//! | 3/4 | [`Account::is_exhausted`]: new calls on connections over their share are RESOURCE_EXHAUSTED |
//! | all | the connection that holds most and moves least [leaves](Account::must_leave) |
//!
//! The share of a connection is what there would be if all had the same. The first two hold also for a connection that
//! has taken as much of its own `connection_memory`, and what passes that ends the call that it was for.

mod account;
mod charge;
pub(crate) mod costs;
mod machine;
mod worst;

pub(crate) use account::{Account, Memory};
pub use charge::Charge;
pub(crate) use charge::Queued;
