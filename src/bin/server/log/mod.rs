//! The log on standard error, which no peer can abuse and no reader can stop.
//!
//! An event passes the [`filter`], then its kind's limit ([`kinds`]), becomes a short [`line`], and goes to the
//! [`writer`], whose thread writes it if there is room. So the server never waits for its log.

mod filter;
mod kinds;
mod line;
mod writer;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use std::{env, io, panic, thread};

use anstream::{AutoStream, ColorChoice};
use h2grpc::route_guide::program::Outcome;
use h2grpc::transcript::grouped;
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::{Event, Level, Subscriber, error};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use kinds::{Kinds, WINDOW};
pub use line::Format;
use line::Line;
use writer::Writer;

/// How long the last lines may take when the program ends. A reader that is there needs less.
const LAST_LINES: Duration = Duration::from_millis(500);

/// The log of this process.
#[derive(Clone)]
pub struct Log {
    format: Format,
    colours: bool,
    writer: Writer,
    kinds: Arc<Kinds>,
    /// Tells the thread that tells counts that there are some.
    held_back: SyncSender<()>,
}

impl Log {
    /// Opens the log, which as yet takes no events.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn open(format: Format) -> io::Result<Log> {
        let colours = format == Format::Text && AutoStream::choice(&io::stderr()) != ColorChoice::Never;
        let notice = move |dropped: u64| {
            let (lines, were) = if dropped == 1 { ("line", "was") } else { ("lines", "were") };
            let text = format!("{} log {lines} {were} dropped: standard error did not take them", grouped(dropped));
            Line::new(Level::WARN, "server::log", text).written(format, colours)
        };
        let writer = Writer::start(io::stderr(), notice)?;
        let (held_back, counts) = sync_channel(1);
        let log = Log { format, colours, writer, kinds: Arc::default(), held_back };
        let teller = log.clone();
        thread::Builder::new().name("log counts".to_owned()).spawn(move || teller.tell_counts(&counts))?;
        Ok(log)
    }

    /// Logs the events that `RUST_LOG` asks for, a level or levels by source; and panics, as they would be printed.
    ///
    /// # Errors
    /// What is wrong with `RUST_LOG`.
    pub fn start(&self) -> Outcome {
        let wanted = env::var_os("RUST_LOG").unwrap_or_default().to_string_lossy().into_owned();
        let wanted = if wanted.is_empty() { "info" } else { &wanted };
        let filter = filter::filter(wanted).map_err(|expected| format!("RUST_LOG is \"{wanted}\": {expected}"))?;
        tracing_subscriber::registry().with(self.clone().with_filter(filter)).init();
        if LevelFilter::current() > STATIC_MAX_LEVEL {
            let advice = "this build has no log lines beyond it; for all of them build with --no-default-features --features cli";
            self.say(&format!("RUST_LOG is \"{wanted}\", taken as {STATIC_MAX_LEVEL}: {advice}"));
        }
        // The standard hook waits for standard error.
        panic::set_hook(Box::new(|panic| error!(%panic, "panicked")));
        Ok(())
    }

    /// Writes a line as it is.
    pub fn say(&self, line: &str) {
        self.writer.push(&format!("{line}\n"));
    }

    /// Writes what is left before the program ends, as far as standard error takes it within [`LAST_LINES`].
    pub fn close(&self) {
        self.push_counts();
        self.writer.flush(LAST_LINES);
    }

    fn push(&self, line: &Line) {
        self.writer.push(&line.written(self.format, self.colours));
    }

    fn push_counts(&self) {
        self.kinds.told(Instant::now()).iter().for_each(|line| self.push(line));
    }

    fn tell_counts(&self, counts: &Receiver<()>) {
        while counts.recv().is_ok() {
            thread::sleep(WINDOW);
            self.push_counts();
        }
    }
}

/// Closes the log when `main` ends, even by a panic.
pub struct CloseAtEnd<'a>(pub &'a Log);

impl Drop for CloseAtEnd<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if self.kinds.admit(event, Instant::now()) {
            self.push(&Line::of(event, self.format));
        } else {
            // If it is full the thread knows already.
            let _ = self.held_back.try_send(());
        }
    }
}
