//! A simulated network between one client and one server, and its troubles: all by chance, and the chance by a seed.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use h2grpc::server::Server;
use h2grpc::transcript::Direction;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

use crate::checked::{Ours, judged};
use crate::places::Places;
use crate::wire::{Cut, End, Manner, TO_CLIENT, TO_SERVER, Wire};

/// What the server or the wire has shown that cannot be.
pub type Untrue = Arc<Mutex<Vec<String>>>;

/// One server and all connections to it.
#[derive(Clone)]
pub struct Network {
    state: Arc<Mutex<State>>,
    ends: Arc<AtomicUsize>,
    places: Places,
}

struct State {
    /// Two chances, so that the client's dials do not change which troubles there are.
    of_dials: StdRng,
    of_troubles: StdRng,
    weather: Weather,
    server: Server,
    /// Where breaches of the rules of the wire are noted, if this network is one whose connections are judged.
    judged: Option<Untrue>,
    /// Until when nobody listens, as the server starts again.
    down: Instant,
    connections: Vec<Connection>,
    /// Says what happens, and when.
    log: Option<Instant>,
}

/// How a network is, from its first moment to its last.
#[derive(Debug)]
struct Weather {
    /// Nothing fails: servers leave with GOAWAY, and do what they have begun.
    is_gentle: bool,
    latency: Duration,
    piece: usize,
    write: usize,
    /// The time from one trouble to the next.
    calm: Duration,
    /// How many of a hundred dials fail, how many hang, and how many connections are cut at some byte.
    refused: u32,
    hanging: u32,
    cut: u32,
}

struct Connection {
    wire: Wire,
    stop: watch::Sender<bool>,
    task: AbortHandle,
}

/// What becomes of a dial.
enum Dialled {
    Refused,
    Hangs,
    Accepted,
}

impl Network {
    /// A network to `server`. What happens is told on standard error if `is_told`.
    pub fn new(seed: u64, server: Server, judged: Option<&Untrue>, places: &Places, is_told: bool) -> Network {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut weather = Weather {
            is_gentle: is_gentle(seed),
            latency: Duration::from_millis(one_of(&mut rng, [0, 1, 10, 80])),
            piece: one_of(&mut rng, [1, 9, 200, 5000, usize::MAX]),
            write: one_of(&mut rng, [20, 3000, usize::MAX, usize::MAX, usize::MAX]),
            calm: Duration::from_millis(one_of(&mut rng, [300, 1000, 3000, 8000])),
            refused: one_of(&mut rng, [0, 0, 10]),
            hanging: one_of(&mut rng, [0, 0, 0, 5]),
            cut: one_of(&mut rng, [0, 10, 40]),
        };
        if weather.is_gentle {
            weather = Weather { refused: 0, hanging: 0, cut: 0, ..weather };
        }
        let log = is_told.then(Instant::now);
        let down = Instant::now();
        let of_troubles = StdRng::seed_from_u64(rng.random());
        let state = State {
            of_dials: rng,
            of_troubles,
            weather,
            server,
            judged: judged.cloned(),
            down,
            connections: Vec::new(),
            log,
        };
        state.tell(|| format!("{:?}", state.weather));
        Network { state: Arc::new(Mutex::new(state)), ends: Arc::default(), places: places.clone() }
    }

    /// How many ends of byte streams are held.
    pub fn ends(&self) -> usize {
        self.ends.load(Ordering::Relaxed)
    }

    /// Connects to the server, if the network wants.
    pub async fn dial(self) -> io::Result<End> {
        let (dialled, delay) = self.state().dialled();
        sleep(delay).await;
        match dialled {
            Dialled::Refused => Err(ErrorKind::ConnectionRefused.into()),
            Dialled::Hangs => std::future::pending().await,
            Dialled::Accepted => Ok(self.state().accept(&self.ends, &self.places)),
        }
    }

    /// Makes trouble until it is dropped.
    pub async fn trouble(self) {
        loop {
            let calm = {
                let state = &mut *self.state();
                state.weather.calm.mul_f64(state.of_troubles.random_range(0.0..2.0))
            };
            sleep(calm).await;
            self.state().trouble();
        }
    }

    /// From now on each dial succeeds. Connections stay as they are: cut, or silent.
    pub fn heal(&self) {
        let state = &mut *self.state();
        state.tell(|| "the network is well again".to_owned());
        state.down = Instant::now();
        state.weather.refused = 0;
        state.weather.hanging = 0;
        state.weather.cut = 0;
    }

    /// Stops the server: calls in flight may end.
    pub fn stop(&self) {
        self.state().drain();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// Notes each breach of a rule of the wire.
pub fn note_in(untrue: &Untrue) -> impl Fn(&str) + Send + Sync + use<> {
    let untrue = Arc::clone(untrue);
    move |breach| untrue.lock().unwrap().push(breach.to_owned())
}

async fn serve(
    server: Server, end: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, stopped: watch::Receiver<bool>,
) {
    // Whatever ends it, the client must live with it.
    let _ = server.serve_connection(end, None, stopped).await;
}

/// Whether no call may be lost over the network of this seed.
pub fn is_gentle(seed: u64) -> bool {
    seed.is_multiple_of(4)
}

fn one_of<T: Copy, const N: usize>(rng: &mut StdRng, values: [T; N]) -> T {
    values[rng.random_range(0..N)]
}

fn any_cut(rng: &mut StdRng) -> Cut {
    one_of(rng, [Cut::Reset, Cut::Reset, Cut::End, Cut::End, Cut::Silence])
}

impl State {
    fn dialled(&mut self) -> (Dialled, Duration) {
        let chance = self.of_dials.random_range(0..100);
        let dialled = if self.down > Instant::now() || chance < self.weather.refused {
            Dialled::Refused
        } else if chance < self.weather.refused + self.weather.hanging {
            Dialled::Hangs
        } else {
            Dialled::Accepted
        };
        let slow = if self.of_dials.random_range(0..10) == 0 { 1000 } else { 1 };
        let delay = self.weather.latency * 2 + Duration::from_millis(self.of_dials.random_range(0..=slow));
        self.tell(|| match dialled {
            Dialled::Refused => "dialled: refused".to_owned(),
            Dialled::Hangs => "dialled: hangs".to_owned(),
            Dialled::Accepted => format!("dialled: accepted after {delay:?}"),
        });
        (dialled, delay)
    }

    fn accept(&mut self, ends: &Arc<AtomicUsize>, places: &Places) -> End {
        let is_cut = self.of_dials.random_range(0..100) < self.weather.cut;
        let cut = is_cut.then(|| {
            let after = match self.of_dials.random_range(0..3) {
                0 => self.of_dials.random_range(0..100),
                1 => self.of_dials.random_range(0..2_000),
                _ => self.of_dials.random_range(0..50_000),
            };
            (one_of(&mut self.of_dials, [TO_SERVER, TO_CLIENT]), after, any_cut(&mut self.of_dials))
        });
        let Weather { latency, piece, write, .. } = self.weather;
        let manner = Manner { latency, jitter: latency / 2, piece, write, cut };
        self.tell(|| format!("connected: {manner:?}"));
        let (wire, client, end) = Wire::new(&manner, &mut self.of_dials, ends, places);
        let (stop, stopped) = watch::channel(false);
        let server = self.server.clone();
        let task = match &self.judged {
            Some(untrue) => {
                let end = judged(end, Direction::ToClient, Ours::Server, note_in(untrue));
                tokio::spawn(serve(server, end, stopped))
            }
            None => tokio::spawn(serve(server, end, stopped)),
        };
        self.connections.retain(|connection| !connection.task.is_finished());
        self.connections.push(Connection { wire, stop, task: task.abort_handle() });
        client
    }

    fn trouble(&mut self) {
        self.connections.retain(|connection| !connection.task.is_finished());
        if self.weather.is_gentle {
            return self.drain();
        }
        let number = self.of_troubles.random_range(0..self.connections.len().max(1));
        let (direction, cut) = (one_of(&mut self.of_troubles, [TO_SERVER, TO_CLIENT]), any_cut(&mut self.of_troubles));
        match self.of_troubles.random_range(0..10) {
            0 => {
                self.restart();
                self.drain();
            }
            1 => {
                self.restart();
                self.kill();
            }
            2..5 => {
                self.tell(|| format!("GOAWAY on connection {number}"));
                if let Some(connection) = self.connections.get(number) {
                    let _ = connection.stop.send(true);
                }
            }
            5 => {
                self.tell(|| format!("connection {number} is cut both ways: {cut:?}"));
                if let Some(connection) = self.connections.get(number) {
                    connection.wire.cut(TO_SERVER, cut);
                    connection.wire.cut(TO_CLIENT, cut);
                }
            }
            _ => {
                self.tell(|| format!("connection {number} is cut: {cut:?} {direction}"));
                if let Some(connection) = self.connections.get(number) {
                    connection.wire.cut(direction, cut);
                }
            }
        }
    }

    /// Nobody listens for a while, or for no time at all.
    fn restart(&mut self) {
        let pause = Duration::from_millis(one_of(&mut self.of_troubles, [0, 0, 50, 1500]));
        self.tell(|| format!("the server starts again after {pause:?}"));
        self.down = Instant::now() + pause;
    }

    fn drain(&mut self) {
        self.tell(|| "all connections are drained".to_owned());
        for connection in &self.connections {
            let _ = connection.stop.send(true);
        }
    }

    fn kill(&mut self) {
        self.tell(|| "the server is killed".to_owned());
        for connection in self.connections.drain(..) {
            if self.of_troubles.random() {
                connection.wire.cut(TO_CLIENT, Cut::Reset);
            }
            connection.task.abort();
        }
    }

    fn tell(&self, what: impl Fn() -> String) {
        if let Some(begin) = self.log {
            eprintln!("{:9.3} s  {}", begin.elapsed().as_secs_f64(), what());
        }
    }
}
