//! How many lines of one kind are logged. A kind is a place in the source: what a peer can cause again and again always
//! comes from the same few.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use h2grpc::transcript::grouped;
use tracing::callsite::Identifier;
use tracing::{Event, Level};

use super::line::{Format, Line};

/// How many lines of one kind are logged in a [`WINDOW`]; further ones are counted.
const MAX_LINES: u64 = 20;

/// From the first line of a kind, and how often the counts are told.
pub const WINDOW: Duration = Duration::from_secs(1);

/// The kinds of lines that there have been.
#[derive(Default)]
pub struct Kinds(Mutex<HashMap<Identifier, Kind>>);

struct Kind {
    level: Level,
    target: &'static str,
    message: String,
    since: Instant,
    logged: u64,
    held_back: u64,
}

impl Kinds {
    /// Whether this event is to be logged at `now`. If not it is counted, until [`told`](Self::told).
    ///
    /// Debug and trace are not limited: whoever asks for them wants all. The lines of `main.rs` are not, either: they are
    /// those of the start, and those that `--log-calls` asks for.
    pub fn admit(&self, event: &Event<'_>, now: Instant) -> bool {
        let metadata = event.metadata();
        if *metadata.level() > Level::INFO || metadata.target() == "server" {
            return true;
        }
        let mut kinds = self.lock();
        let kind = kinds.entry(metadata.callsite()).or_insert_with(|| Kind {
            level: *metadata.level(),
            target: metadata.target(),
            message: Line::of(event, Format::Json).message,
            since: now,
            logged: 0,
            held_back: 0,
        });
        if kind.held_back == 0 && now.duration_since(kind.since) >= WINDOW {
            (kind.since, kind.logged) = (now, 0);
        }
        let admitted = kind.held_back == 0 && kind.logged < MAX_LINES;
        if admitted {
            kind.logged += 1;
        } else {
            kind.held_back += 1;
        }
        admitted
    }

    /// A line for each kind that was held back, which says how often. All of them may be logged again.
    pub fn told(&self, now: Instant) -> Vec<Line> {
        let mut kinds = self.lock();
        let held_back = kinds.values_mut().filter(|kind| kind.held_back > 0);
        held_back
            .map(|kind| {
                let Kind { level, target, message, held_back, .. } = kind;
                let line = Line::new(*level, target, format!("and {} more like it: {message}", grouped(*held_back)));
                (kind.since, kind.logged, kind.held_back) = (now, 0, 0);
                line
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Identifier, Kind>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing::{Subscriber, debug, info, warn};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    use super::*;

    /// Admits each event at the time that the test has set, and keeps how many it has admitted.
    #[derive(Clone)]
    struct Clock(Arc<(Kinds, Mutex<(Instant, u64)>)>);

    impl Clock {
        fn pass(&self, time: Duration) {
            self.0.1.lock().unwrap().0 += time;
        }

        fn admitted(&self) -> u64 {
            std::mem::take(&mut self.0.1.lock().unwrap().1)
        }

        fn told(&self) -> Vec<String> {
            let now = self.0.1.lock().unwrap().0;
            let lines = self.0.0.told(now).into_iter();
            let mut told: Vec<_> =
                lines.map(|line| format!("{} {}: {}", line.level, line.target, line.message)).collect();
            told.sort();
            told
        }
    }

    impl<S: Subscriber> Layer<S> for Clock {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let (kinds, state) = &*self.0;
            let (now, admitted) = &mut *state.lock().unwrap();
            *admitted += u64::from(kinds.admit(event, *now));
        }
    }

    fn clock() -> (Clock, tracing::subscriber::DefaultGuard) {
        let clock = Clock(Arc::new((Kinds::default(), Mutex::new((Instant::now(), 0)))));
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(clock.clone()));
        (clock, guard)
    }

    #[test]
    fn of_each_kind_a_few_lines_a_second_are_logged_and_the_others_counted() {
        let (clock, _logging) = clock();
        let refused = || info!(target: "h2grpc", path = "/a", "call refused");
        let failed = || warn!(target: "h2grpc", "connection failed");
        (0..1224).for_each(|_| refused());
        failed();
        assert_eq!(clock.admitted(), MAX_LINES + 1);
        (0..MAX_LINES).for_each(|_| failed());
        assert_eq!(clock.admitted(), MAX_LINES - 1);
        let told =
            ["INFO h2grpc: and 1,204 more like it: call refused", "WARN h2grpc: and 1 more like it: connection failed"];
        assert_eq!(clock.told(), told);
        assert_eq!(clock.told(), [""; 0]);
        refused();
        assert_eq!(clock.admitted(), 1);
    }

    #[test]
    fn lines_that_come_slowly_are_all_logged() {
        let (clock, _logging) = clock();
        for _ in 0..10 {
            for _ in 0..MAX_LINES {
                info!(target: "h2grpc", "connection opened");
            }
            clock.pass(WINDOW);
        }
        assert_eq!(clock.admitted(), 10 * MAX_LINES);
        assert_eq!(clock.told(), [""; 0]);
    }

    #[test]
    fn debug_lines_and_those_of_calls_are_not_limited() {
        let (clock, _logging) = clock();
        for _ in 0..1000 {
            debug!(target: "h2grpc", "a turn");
            info!(target: "server", "call");
        }
        assert_eq!(clock.admitted(), 2000);
    }
}
