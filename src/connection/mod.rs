//! What the connections of servers and clients have in common: the byte stream under HTTP/2, the turns that drive it,
//! what the peer's frames say that h2 does not tell (frames), and the checks whether the peer is still there (keepalive),
//! still makes calls (idle), and ends what it has begun to say (overdue).
//!
//! A connection is one task. Each time that the runtime polls it, it has a *turn*. A turn goes round until nothing more
//! was woken, and writes once at its end:
//!
//! ```text
//!   socket readable, socket writable, a timer, a caller or handler in another task
//!      |  wakes
//!      v
//!   Turn ---- wakes ----> the runtime, which polls the connection's task (drive)
//!      ^                     |
//!      |                     |  round: Side::round   h2 reads its frames and yields requests
//!      |                     |                       Calls polls the calls that are new or woken
//!      |  wakes, within a    |                       what they send goes to h2
//!      |  turn only: "go     |         again?  ---> another round: h2 moves what was sent to the Transport
//!      |  round again"       |
//!      +-- a frame wakes     |  once:  Side::write   the Transport writes to the socket, in one system call
//!          its call, an      |  seldom: Side::tend   timers and the server's stop, when their Alarm rang
//!          answer wakes h2   v
//!                          sleep
//! ```

mod calls;
mod drive;
mod frames;
mod greeting;
mod idle;
mod keepalive;
mod lock;
mod overdue;
mod pings;
mod transport;
mod turn;

pub(crate) use calls::Calls;
pub(crate) use drive::{Side, drive};
pub(crate) use frames::{GoAway, Seen, Unfinished};
pub(crate) use greeting::Greeting;
pub(crate) use idle::{Idle, Idleness};
pub(crate) use keepalive::{Activity, Keepalive};
pub(crate) use lock::lock;
pub(crate) use overdue::Overdue;
pub(crate) use pings::Pings;
pub use transport::ByteStream;
pub(crate) use transport::{Gathered, Transport, prepare};
pub(crate) use turn::Turn;
