//! Attacks on the `server` binary: each sends a certain amount of what wears servers down, while somebody else calls the
//! same server. Whatever comes, it lives and answers the others, its memory stays small and comes back, and it ends well.
//! docs/threats.md tells what stops each of them.
#![cfg(target_os = "linux")]

#[path = "attacks/chats.rs"]
mod chats;
mod common;
#[path = "attacks/control.rs"]
mod control;
#[path = "attacks/counted.rs"]
mod counted;
#[path = "attacks/crowd.rs"]
mod crowd;
#[path = "attacks/frames.rs"]
mod frames;
#[path = "attacks/harness.rs"]
mod harness;
#[path = "attacks/heads.rs"]
mod heads;
#[path = "attacks/list.rs"]
mod list;
#[path = "attacks/memory.rs"]
mod memory;
#[path = "attacks/messages.rs"]
mod messages;
#[path = "attacks/peer.rs"]
mod peer;
#[allow(dead_code)]
#[path = "interop/process.rs"]
mod process;
#[path = "common/served.rs"]
mod served;
#[path = "attacks/slow.rs"]
mod slow;
#[path = "attacks/streams.rs"]
mod streams;
#[path = "attacks/table.rs"]
mod table;

use list::{LITTLE, Terms, USUAL, every_attack};

/// A test for each attack.
macro_rules! tests {
    ($($name:ident: $file:ident, $terms:expr;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $terms.run($file::$name).await;
            }
        )*

        /// The names of all attacks.
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}
every_attack!(tests);
