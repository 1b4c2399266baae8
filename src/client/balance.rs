//! How a channel divides its calls among the addresses of its target.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::backoff::Backoff;
use super::hub::{Drives, Starts};
use super::pool::Member;
use super::resolve::Address;
use super::subchannel::{Route, Subchannel};
use super::target::Target;
use crate::policy::Balance;

/// The least time between two questions for the addresses of a target.
const RESOLVE_PAUSE: Duration = Duration::from_secs(5);

/// What makes a channel's connections.
#[derive(Clone)]
pub(super) struct Balancer {
    pub(super) balance: Balance,
    /// The member of a channel that needs only one.
    pub(super) subchannel: Subchannel,
}

impl Starts for Balancer {
    async fn start(self, drives: Drives) {
        match (self.balance, &self.subchannel.route) {
            (Balance::RoundRobin, Route::Target(target)) => round_robin(target.clone(), self.subchannel, drives).await,
            _ => {
                drives.hub.change(|pool| pool.set_members([self.subchannel.member]));
                self.subchannel.run_while_wanted(drives).await;
            }
        }
    }
}

/// Keeps a connection to each address of `target`. They are looked up again when a connection is lost.
async fn round_robin(target: Target, model: Subchannel, drives: Drives) {
    let lost = Arc::new(Notify::new());
    let mut members = Members { model, lost: Arc::clone(&lost), known: HashMap::new(), next: 1, tasks: JoinSet::new() };
    let mut backoff = Backoff::default();
    loop {
        let begin = Instant::now();
        match target.resolve().await {
            Ok(addresses) => {
                backoff = Backoff::default();
                members.set(&drives, addresses);
                sleep_until(begin + RESOLVE_PAUSE).await;
                lost.notified().await;
            }
            Err(error) if members.known.is_empty() => {
                drives.hub.change(|pool| pool.set_members([members.model.member]));
                members.model.fail(error);
                sleep_until(backoff.attempt(begin)).await;
            }
            Err(error) => {
                debug!(server = %members.model.server, %error, "no addresses");
                sleep_until(backoff.attempt(begin)).await;
            }
        }
    }
}

/// The members of a channel that divides its calls.
struct Members {
    /// What all members have in common.
    model: Subchannel,
    lost: Arc<Notify>,
    known: HashMap<Address, (Member, AbortHandle)>,
    next: Member,
    tasks: JoinSet<()>,
}

impl Members {
    /// Makes `addresses` the members. Those that were there keep their connections.
    fn set(&mut self, drives: &Drives, addresses: Vec<Address>) {
        self.known.retain(|address, (_, task)| {
            let stays = addresses.contains(address);
            if !stays {
                task.abort();
            }
            stays
        });
        let members: Vec<Member> = addresses.iter().map(|address| self.member(address)).collect();
        drives.hub.change(|pool| {
            pool.set_members(members.iter().copied());
            members.iter().for_each(|member| pool.connecting(*member));
        });
        let new = addresses.into_iter().zip(members).filter(|(address, _)| !self.known.contains_key(address));
        for (address, member) in new.collect::<Vec<_>>() {
            let route = Route::Address(address.clone());
            let server = format!("{} at {address}", self.model.server).into();
            let subchannel = Subchannel { member, route, server, ..self.model.clone() };
            let lost = Arc::clone(&self.lost);
            let task = self.tasks.spawn(subchannel.run_always(move || lost.notify_one()));
            self.known.insert(address, (member, task));
        }
    }

    /// The number of the member at `address`, or a new one.
    fn member(&mut self, address: &Address) -> Member {
        self.known.get(address).map_or_else(
            || {
                self.next += 1;
                self.next
            },
            |(member, _)| *member,
        )
    }
}
