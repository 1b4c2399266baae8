//! The signals that stop the server: the first lets calls in flight end, a second one ends the process at once.

use std::{fs, future::Future, io, process, thread};

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tracing::warn;

use super::log::Log;

/// Ready at the first SIGTERM, SIGINT or SIGHUP. After it a SIGTERM or SIGINT ends the process, which loses its calls.
///
/// A thread of its own waits for them, so that the second one works whatever the server is doing.
///
/// # Errors
/// The system gives no thread, or does not let signals be caught.
pub fn stop(log: Log) -> io::Result<impl Future<Output = ()>> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let entered = runtime.enter();
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        hang_up: if is_ignored(SignalKind::hangup()) { None } else { Some(signal(SignalKind::hangup())?) },
    };
    drop(entered);
    let (stop, stopped) = oneshot::channel();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            signals.any().await;
            // It fails only when the server has ended by itself.
            let _ = stop.send(());
            signals.terminate_or_interrupt().await;
        });
        warn!("stopped at once: calls in flight were cut off");
        log.close();
        process::exit(1);
    })?;
    Ok(async {
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// None if it was ignored when the program began, as `nohup` has it.
    hang_up: Option<Signal>,
}

impl Signals {
    async fn any(&mut self) {
        let Signals { terminate, interrupt, hang_up } = self;
        let hang_up = async {
            match hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { _ = terminate.recv() => {} _ = interrupt.recv() => {} _ = hang_up => {} }
    }

    /// A second SIGHUP changes nothing: when a terminal goes away a process may get one from the shell and one from the
    /// system.
    async fn terminate_or_interrupt(&mut self) {
        tokio::select! { _ = self.terminate.recv() => {} _ = self.interrupt.recv() => {} }
    }
}

/// Whether this process ignores a signal. Only Linux tells; elsewhere it counts as not ignored.
fn is_ignored(signal: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal.as_raw_value() - 1) & 1 == 1
}
