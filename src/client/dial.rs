//! How the byte stream to a server is had: one address is dialled, several race (RFC 8305, "Happy Eyeballs").

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use std::{io, mem};

use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::sleep;

use super::failures;
use super::resolve::Address;
use crate::connection::{ByteStream, prepare};

/// How long an attempt has before the next address is tried beside it: "a Connection Attempt Delay of 250 ms"
/// (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to one address, or says which one it was that could not be connected to.
pub(super) async fn dial(address: &Address) -> io::Result<Box<dyn ByteStream>> {
    let connected: io::Result<Box<dyn ByteStream>> = match address {
        Address::Tcp(address) => tcp(*address).await.map(|stream| Box::new(stream) as _),
        Address::Unix(path) => unix(path).await,
        // Tokio's way to write it.
        Address::Abstract(name) => unix(format!("\0{name}").as_ref()).await,
    };
    connected.map_err(|error| match error.kind() {
        // There is no socket at a path where no server has made one.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            io::Error::new(error.kind(), format!("{address}: {error}; is the server running?"))
        }
        _ => named(address, error),
    })
}

async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    prepare(&stream)?;
    Ok(stream)
}

#[cfg(unix)]
async fn unix(path: &Path) -> io::Result<Box<dyn ByteStream>> {
    Ok(Box::new(UnixStream::connect(path).await?))
}

#[cfg(not(unix))]
async fn unix(_: &Path) -> io::Result<Box<dyn ByteStream>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets"))
}

/// Tries `addresses` until an attempt succeeds, and drops the others then.
///
/// The families of addresses take turns. The next attempt begins when one has failed, or 250 ms after the one before:
/// an address that is dead or silent delays the others by that much and no more. There is no time-out: the caller
/// drops the race when it takes too long.
///
/// # Errors
/// The reasons of all addresses, with the kind of the last one.
pub(super) async fn race<T, F, Fut>(addresses: Vec<Address>, attempt: F) -> io::Result<T>
where
    F: Fn(Address) -> Fut,
    Fut: Future<Output = io::Result<T>>,
{
    let mut waiting = VecDeque::from(interleaved(addresses));
    let (mut running, mut failed) = (Vec::new(), Vec::new());
    loop {
        match waiting.pop_front() {
            Some(address) => running.push(Attempt { address: address.clone(), future: Box::pin(attempt(address)) }),
            None if running.is_empty() => return Err(failures::together(failed)),
            None => {}
        }
        tokio::select! {
            biased;
            (address, result) = first(&mut running) => match result {
                Ok(won) => return Ok(won),
                Err(error) => failed.push(named(&address, error)),
            },
            () = sleep(ATTEMPT_DELAY), if !waiting.is_empty() => {}
        }
    }
}

struct Attempt<Fut> {
    address: Address,
    future: Pin<Box<Fut>>,
}

/// Waits for the first attempt that is over, and takes it out.
async fn first<Fut: Future>(running: &mut Vec<Attempt<Fut>>) -> (Address, Fut::Output) {
    poll_fn(|cx| {
        for index in 0..running.len() {
            if let Poll::Ready(result) = running[index].future.as_mut().poll(cx) {
                return Poll::Ready((running.remove(index).address, result));
            }
        }
        Poll::Pending
    })
    .await
}

/// The order of attempts: the resolver's, but the families of addresses take turns, that of the first address first
/// (RFC 8305, section 4).
fn interleaved(addresses: Vec<Address>) -> Vec<Address> {
    let mut families: Vec<VecDeque<Address>> = Vec::new();
    for address in addresses {
        match families.iter_mut().find(|family| same_family(&family[0], &address)) {
            Some(family) => family.push_back(address),
            None => families.push(VecDeque::from([address])),
        }
    }
    let mut order = Vec::new();
    while !families.is_empty() {
        families.retain_mut(|family| {
            order.extend(family.pop_front());
            !family.is_empty()
        });
    }
    order
}

fn same_family(one: &Address, other: &Address) -> bool {
    match (one, other) {
        (Address::Tcp(one), Address::Tcp(other)) => one.is_ipv6() == other.is_ipv6(),
        _ => mem::discriminant(one) == mem::discriminant(other),
    }
}

/// The error with the address that it is about. An attempt's error may name it already.
pub(super) fn named(address: &Address, error: io::Error) -> io::Error {
    let (name, text) = (format!("{address}: "), error.to_string());
    if text.starts_with(&name) { error } else { io::Error::new(error.kind(), name + &text) }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    fn address(text: &str) -> Address {
        match text.strip_prefix("unix:") {
            Some(path) => Address::Unix(path.into()),
            None => Address::Tcp(text.parse().expect(text)),
        }
    }

    fn addresses(texts: &[&str]) -> Vec<Address> {
        texts.iter().copied().map(address).collect()
    }

    #[test]
    fn families_take_turns_and_the_first_addresss_family_is_first() {
        for (given, order) in [
            (&[][..], &[][..]),
            (&["1.1.1.1:1"], &["1.1.1.1:1"]),
            (&["1.1.1.1:2", "1.1.1.1:1"], &["1.1.1.1:2", "1.1.1.1:1"]),
            (
                &["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"],
                &["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"],
            ),
            (&["1.1.1.1:1", "1.1.1.2:1", "[::1]:1"], &["1.1.1.1:1", "[::1]:1", "1.1.1.2:1"]),
            (&["1.1.1.1:1", "1.1.1.2:1", "unix:/a", "[::1]:1"], &["1.1.1.1:1", "unix:/a", "[::1]:1", "1.1.1.2:1"]),
        ] {
            assert_eq!(interleaved(addresses(given)), addresses(order), "{given:?}");
        }
    }

    /// What an attempt to connect comes to.
    #[derive(Clone, Copy)]
    enum Fate {
        Silent,
        Refused,
        Reset,
        Lives,
        LivesLate,
    }
    use Fate::{Lives, LivesLate, Refused, Reset, Silent};

    /// The result of a race of addresses with these fates, begun in this order, and how many milliseconds it took.
    async fn raced(fates: &[Fate]) -> (io::Result<usize>, u128) {
        let numbered = (0..fates.len()).map(|port| Address::Tcp(([10, 0, 0, 1], port as u16).into())).collect();
        let begin = Instant::now();
        let attempt = |address: Address| async move {
            let Address::Tcp(address) = address else { unreachable!("all are TCP") };
            let number = usize::from(address.port());
            match fates[number] {
                Silent => pending().await,
                Refused => Err(io::Error::new(io::ErrorKind::ConnectionRefused, "refused")),
                Reset => {
                    sleep(Duration::from_millis(10)).await;
                    Err(io::Error::new(io::ErrorKind::ConnectionReset, "reset"))
                }
                Lives => {
                    sleep(Duration::from_millis(20)).await;
                    Ok(number)
                }
                LivesLate => {
                    sleep(Duration::from_millis(400)).await;
                    Ok(number)
                }
            }
        };
        let result = race(numbered, attempt).await;
        (result, begin.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_address_is_tried_when_one_fails_or_after_a_quarter_of_a_second() {
        for (fates, winner, milliseconds) in [
            (&[Lives][..], 0, 20),
            (&[Lives, Lives], 0, 20),
            (&[Silent, Lives], 1, 270),
            (&[Silent, Silent, Lives], 2, 520),
            (&[Refused, Lives], 1, 20),
            (&[Reset, Lives], 1, 30),
            (&[Refused, Reset, Refused, Lives], 3, 30),
            (&[Silent, Refused, Lives], 2, 270),
            (&[LivesLate, Refused], 0, 400),
        ] {
            let (result, took) = raced(fates).await;
            assert_eq!((result.expect("a winner"), took), (winner, milliseconds));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_fail_each_address_is_told_with_its_reason() {
        for (fates, kind, text) in [
            (&[][..], io::ErrorKind::NotFound, "there is no address"),
            (&[Refused], io::ErrorKind::ConnectionRefused, "10.0.0.1:0: refused"),
            (&[Refused, Refused], io::ErrorKind::ConnectionRefused, "10.0.0.1:0: refused, 10.0.0.1:1: refused"),
            (&[Refused, Reset], io::ErrorKind::ConnectionReset, "10.0.0.1:0: refused, 10.0.0.1:1: reset"),
            (
                &[Refused; 7],
                io::ErrorKind::ConnectionRefused,
                "10.0.0.1:0: refused, 10.0.0.1:1: refused, 10.0.0.1:2: refused, 10.0.0.1:3: refused, \
                 10.0.0.1:4: refused, and 2 more",
            ),
        ] {
            let error = raced(fates).await.0.expect_err(text);
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_is_named_once() {
        let attempt = async |address| Err::<(), _>(named(&address, io::Error::other("gone")));
        let error = race(addresses(&["1.1.1.1:1"]), attempt).await.expect_err("it fails");
        assert_eq!(error.to_string(), "1.1.1.1:1: gone");
    }

    struct Dropped<'a>(&'a RefCell<Vec<Address>>, Address);

    impl Drop for Dropped<'_> {
        fn drop(&mut self) {
            self.0.borrow_mut().push(self.1.clone());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_winner_and_whoever_drops_the_race_end_the_other_attempts() {
        let dropped = RefCell::default();
        let began = Cell::new(0);
        let last = address("1.1.1.1:3");
        let attempt = |address: Address| {
            began.set(began.get() + 1);
            let guard = Dropped(&dropped, address.clone());
            let (last, lives) = (last.clone(), began.get() == 3);
            async move {
                let _guard = guard;
                if !(lives && address == last) {
                    pending::<()>().await;
                }
                Ok(address)
            }
        };
        let all = addresses(&["1.1.1.1:1", "1.1.1.1:2", "1.1.1.1:3", "1.1.1.1:4"]);
        assert_eq!(race(all.clone(), attempt).await.expect("the third"), last);
        assert_eq!((began.get(), dropped.borrow().len()), (3, 3), "the fourth never began");
        dropped.borrow_mut().clear();

        let unfinished = tokio::time::timeout(Duration::from_millis(300), race(all.clone(), attempt)).await;
        assert!(unfinished.is_err());
        assert_eq!(*dropped.borrow(), all[..2]);
    }
}
