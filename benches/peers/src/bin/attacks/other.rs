//! Somebody else, who calls the attacked server from time to time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use h2grpc::client::Channel;
use h2grpc::route_guide::{Point, RouteGuideClient};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// How long it waits between calls: so long that its calls cost little beside an attack.
const PAUSE: Duration = Duration::from_millis(100);

/// Calls of GetFeature on a connection of its own, one after the other, until it is dropped.
pub struct Other {
    told: Arc<Told>,
    calls: JoinHandle<()>,
}

#[derive(Default)]
struct Told {
    answered: AtomicU64,
    failed: AtomicU64,
    slowest_us: AtomicU64,
}

impl Other {
    pub fn start(address: SocketAddr) -> Other {
        let told = Arc::new(Told::default());
        Other { told: Arc::clone(&told), calls: tokio::spawn(call(address, told)) }
    }

    /// How many calls have been answered.
    pub fn answered(&self) -> u64 {
        self.told.answered.load(Relaxed)
    }

    /// How many calls have failed.
    pub fn failed(&self) -> u64 {
        self.told.failed.load(Relaxed)
    }

    /// Forgets how slow calls were.
    pub fn forget(&self) {
        self.told.slowest_us.store(0, Relaxed);
    }

    /// How long the slowest call took since then.
    pub fn slowest(&self) -> Duration {
        Duration::from_micros(self.told.slowest_us.load(Relaxed))
    }
}

async fn call(address: SocketAddr, told: Arc<Told>) {
    let client = RouteGuideClient::new(Channel::new(address.to_string().parse().expect("an address is a target")));
    loop {
        let begin = Instant::now();
        let outcome = client.get_feature(Point { latitude: 1, longitude: 2 }).await;
        told.slowest_us.fetch_max(begin.elapsed().as_micros() as u64, Relaxed);
        let count = if outcome.is_ok() { &told.answered } else { &told.failed };
        count.fetch_add(1, Relaxed);
        sleep(PAUSE).await;
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.calls.abort();
    }
}
