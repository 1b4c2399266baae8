//! How a channel divides its calls among the addresses of its target.

use std::collections::HashMap;
use std::future::Future;
use std::io;
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
            (Balance::RoundRobin, Route::Target(target)) => {
                let target = target.clone();
                round_robin(|| target.resolve(), self.subchannel, drives).await;
            }
            _ => {
                drives.hub.change(|pool| pool.set_members([self.subchannel.member]));
                self.subchannel.run_while_wanted(drives).await;
            }
        }
    }
}

/// Keeps a connection to each address that `look_up` finds. They are looked up again when a connection is lost.
async fn round_robin<F>(look_up: impl Fn() -> F, model: Subchannel, drives: Drives)
where
    F: Future<Output = io::Result<Vec<Address>>>,
{
    let lost = Arc::new(Notify::new());
    let mut members = Members { model, lost: Arc::clone(&lost), known: HashMap::new(), next: 1, tasks: JoinSet::new() };
    let mut backoff = Backoff::default();
    loop {
        let begin = Instant::now();
        match look_up().await {
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::client::hub::Hub;
    use crate::client::state::ConnectivityState;
    use crate::connection::ByteStream;
    use crate::limits::ClientLimits;

    /// A divided channel whose names are looked up by `look_up`, which is told how often that was done before.
    struct Divided {
        look_up: fn(usize, Address) -> io::Result<Vec<Address>>,
        count: Arc<AtomicUsize>,
        /// It accepts connections, and the subchannel puts others in their places.
        listener: TcpListener,
        subchannel: Subchannel,
    }

    impl Starts for Divided {
        async fn start(self, drives: Drives) {
            let address = Address::Tcp(self.listener.local_addr().expect("an address"));
            let look_up = || {
                let found = (self.look_up)(self.count.fetch_add(1, Relaxed), address.clone());
                async { found }
            };
            round_robin(look_up, self.subchannel, drives).await;
        }
    }

    /// Starts such a channel. Each of its connections ends `lives` after it was made.
    fn start(lives: Duration, look_up: fn(usize, Address) -> io::Result<Vec<Address>>) -> (Arc<Hub>, Arc<AtomicUsize>) {
        let (hub, count) = (Hub::new(), Arc::default());
        let wrap = move |_: &str, _| {
            let (client, server) = tokio::io::duplex(4096);
            tokio::spawn(async move {
                let mut server = h2::server::handshake(server).await.expect("a client");
                let _ = timeout(lives, server.accept()).await;
            });
            Box::new(client) as Box<dyn ByteStream>
        };
        let subchannel = Subchannel {
            hub: Arc::clone(&hub),
            member: 1,
            server: "names.invalid".into(),
            route: Route::Custom(Arc::new(|| unreachable!("addresses are dialled"))),
            wrap: Some(Arc::new(wrap)),
            limits: ClientLimits::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        hub.drive(Divided { look_up, count: Arc::clone(&count), listener, subchannel });
        (hub, count)
    }

    async fn becomes(hub: &Hub, state: ConnectivityState) {
        let mut watch = hub.watch();
        let reached = timeout(Duration::from_secs(100), watch.wait_for(|now| *now == state)).await;
        assert!(reached.is_ok(), "{:?}", *hub.watch().borrow());
    }

    fn no_address() -> io::Result<Vec<Address>> {
        Err(io::Error::other("no address is known"))
    }

    #[tokio::test(start_paused = true)]
    async fn names_are_looked_up_when_a_connection_is_lost_but_not_within_five_seconds() {
        let (_hub, count) = start(Duration::from_millis(10), |_, address| Ok(vec![address]));
        sleep(Duration::from_secs(61)).await;
        let count = count.load(Relaxed);
        assert!((10..=13).contains(&count), "{count} times in a minute");
    }

    #[tokio::test(start_paused = true)]
    async fn names_are_not_looked_up_as_long_as_no_connection_is_lost() {
        let (hub, count) = start(Duration::MAX, |_, address| Ok(vec![address]));
        becomes(&hub, ConnectivityState::Ready).await;
        sleep(Duration::from_secs(60)).await;
        assert_eq!(count.load(Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_whose_names_cannot_be_looked_up_fails_until_they_can() {
        let (hub, _) =
            start(Duration::MAX, |before, address| if before < 3 { no_address() } else { Ok(vec![address]) });
        becomes(&hub, ConnectivityState::TransientFailure).await;
        becomes(&hub, ConnectivityState::Ready).await;
    }

    #[tokio::test(start_paused = true)]
    async fn members_stay_when_their_names_cannot_be_looked_up_again() {
        let (hub, count) = start(Duration::from_secs(3600), |before, address| match before {
            0 => Ok(vec![address]),
            _ => no_address(),
        });
        becomes(&hub, ConnectivityState::Ready).await;
        sleep(Duration::from_secs(3590)).await;
        let mut states = hub.watch();
        for _ in 0..200 {
            assert_ne!(*states.borrow_and_update(), ConnectivityState::TransientFailure);
            let _ = timeout(Duration::from_secs(1), states.changed()).await;
        }
        assert!(count.load(Relaxed) > 1, "a connection was lost");
        assert_eq!(*states.borrow(), ConnectivityState::Ready);
    }
}
