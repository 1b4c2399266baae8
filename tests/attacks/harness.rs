//! What every attack has around it: a server, somebody else who calls it, and bounds that must hold.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use h2grpc::route_guide::Point;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::common::soon;
use crate::counted;
use crate::list::Terms;
use crate::process::Output;
use crate::served::{PATIENCE, Served, client, command};

const MIB: u64 = 1024 * 1024;

/// By how much resident memory may grow while an attack runs, and how much of that may be left after it.
const GROWTH: u64 = 64 * MIB;

/// How long a call beside an attack may take, also where it is dear without optimization, and how long none may take
/// whatever else the machine does.
const ANSWERED: Duration = Duration::from_secs(1);
const ANSWERED_THOUGH_DEAR: Duration = Duration::from_secs(5);
const HUNG: Duration = Duration::from_secs(10);

/// How much slower than those to a server which nobody attacks calls may be, on top of that. The two are called at the
/// same time, so a busy machine slows down both.
const SLOWER: u32 = 10;

/// How long a server's memory does not grow when it has done what there was to do.
const SETTLED: Duration = Duration::from_millis(300);

/// How much an attack may make the server log.
const LOGGED: usize = 256 * 1024;

/// One after the other, so that none is slowed down by another.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Terms {
    /// Runs `attack`. The connections that it gives stay open until the server has done what there was to do. Meanwhile
    /// somebody else calls the server. It must live, answer, hold little memory, log little, and end well.
    pub async fn run<T, F: Future<Output = T>>(&self, attack: impl FnOnce(SocketAddr) -> F) {
        let _alone = ALONE.lock().await;
        let control = Served::start(&[]);
        let served = self.serve();
        let others = [Caller::start(served.address()), Caller::start(control.address())];
        soon(async {
            while !others.iter().all(|caller| caller.has_begun.load(Relaxed)) {
                sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        let (descriptors, before) = (served.descriptors(), served.resident());

        let held = attack(served.address()).await;
        until_settled(&served).await;
        drop(held);

        served.until_descriptors(descriptors).await;
        let [answered, control_answered] = others;
        let (answered, usual) = (answered.stop().await, control_answered.stop().await);
        let grown = served.most_resident().saturating_sub(before);
        println!(
            "{} bytes sent; answered {answered:?}, without attack {usual:?}; memory {} KiB, grew by {} KiB",
            counted::sent(),
            before / 1024,
            grown / 1024
        );
        assert!(
            answered.slowest <= HUNG.min(self.answered() + SLOWER * usual.slowest),
            "a call of somebody else took {:?}, to a server without attack {:?}",
            answered.slowest,
            usual.slowest
        );
        assert!(grown <= GROWTH, "resident memory grew by {} KiB, from {} KiB", grown / 1024, before / 1024);
        until_resident(&served, before + GROWTH).await;
        ends_well(served).await;
    }

    /// How long a call beside the attack may take.
    fn answered(&self) -> Duration {
        if self.dear { ANSWERED_THOUGH_DEAR } else { ANSWERED }
    }

    /// The server, whose log is as everybody has it.
    fn serve(&self) -> Served {
        let mut command = command();
        if let Some(limit) = self.limit {
            let script = format!("{limit}; exec \"$0\" \"$@\"");
            let server = command.get_program().to_owned();
            command = Command::new("sh");
            command.args(["-c", &script]).arg(server);
        }
        Served::start_as(command.env_remove("RUST_LOG").args(self.arguments), Stdio::piped())
    }
}

/// Waits until the server's memory has not grown for a while: whoever does not read cannot be told that all is done.
async fn until_settled(served: &Served) {
    let (mut most, mut since) = (served.most_resident(), Instant::now());
    while since.elapsed() < SETTLED {
        sleep(Duration::from_millis(5)).await;
        if served.most_resident() > most {
            (most, since) = (served.most_resident(), Instant::now());
        }
    }
}

/// Waits until the server has given memory back.
async fn until_resident(served: &Served, most: u64) {
    let begin = Instant::now();
    while served.resident() > most {
        let held = served.resident() / 1024;
        assert!(begin.elapsed() < PATIENCE, "{held} KiB are resident after the attack, expected {} KiB", most / 1024);
        sleep(Duration::from_millis(10)).await;
    }
}

/// SIGTERM ends the server, and its log has no panic and not much at all.
async fn ends_well(served: Served) {
    served.terminate().await;
    let output: Output = tokio::task::spawn_blocking(|| served.process.wait(PATIENCE)).await.unwrap().unwrap();
    assert!(output.succeeded() && !output.stderr.contains("panicked"), "{output}");
    println!("{} bytes were logged", output.stderr.len());
    assert!(output.stderr.len() <= LOGGED, "{} bytes were logged", output.stderr.len());
}

/// Somebody who calls GetFeature again and again, on one connection.
struct Caller {
    has_begun: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    calls: JoinHandle<Answered>,
}

/// How calls were answered: every one was, and properly.
#[derive(Debug, Default)]
struct Answered {
    calls: usize,
    slowest: Duration,
}

impl Caller {
    fn start(address: SocketAddr) -> Caller {
        let (has_begun, stop) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        let calls = tokio::spawn({
            let (has_begun, stop) = (Arc::clone(&has_begun), Arc::clone(&stop));
            async move {
                let client = client(address);
                let mut answered = Answered::default();
                while !stop.load(Relaxed) {
                    let (place, begin) = (Point { latitude: 1, longitude: 2 }, Instant::now());
                    let answer = soon(client.get_feature(place)).await.unwrap();
                    assert_eq!(answer.message.location, Some(place));
                    answered.slowest = answered.slowest.max(begin.elapsed());
                    answered.calls += 1;
                    has_begun.store(true, Relaxed);
                    sleep(Duration::from_millis(2)).await;
                }
                answered
            }
        });
        Caller { has_begun, stop, calls }
    }

    async fn stop(mut self) -> Answered {
        self.stop.store(true, Relaxed);
        (&mut self.calls).await.unwrap()
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.calls.abort();
    }
}
