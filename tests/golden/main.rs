//! Golden transcripts: conversations of this stack, byte by byte, in `tests/golden/*.txt`.
//!
//! Each story is played again and its bytes compared with its file. The listings in README.md, in `src/` and in `docs/`
//! are renderings of these files, and the seeds of the fuzz target `transcript` are their bytes.
//! `UPDATE_GOLDEN=1 cargo test --test golden` writes all of them anew and says what has changed. The comment lines at the
//! head of a file, which tell its story, are kept: they are written by hand.

mod codes;
#[path = "../common/mod.rs"]
mod common;
mod connections;
mod difference;
mod files;
mod heads;
mod listings;
mod messages;
mod oddities;
mod seeds;
mod shapes;
mod stage;
mod statuses;
mod streams;
mod turns;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;

use h2grpc::transcript::Recorded;
use libtest_mimic::{Arguments, Trial};

/// A conversation and the file that shows it.
#[derive(Clone, Copy)]
pub struct Story {
    /// The file's name without `.txt`.
    pub name: &'static str,
    /// Whether the file tells when each frame passed.
    pub times: bool,
    play: fn() -> Pin<Box<dyn Future<Output = Recorded>>>,
}

impl Story {
    /// The bytes of the conversation. Its clock stands still while anybody has something to do.
    pub fn play(self) -> Recorded {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on((self.play)())
    }
}

macro_rules! stories {
    ($($name:literal $(at $times:ident)?: $play:path;)+) => {
        &[$(Story { name: $name, times: stories!($($times)?), play: || Box::pin($play()) }),+]
    };
    () => { false };
    (times) => { true };
}

const STORIES: &[Story] = stories! {
    "get-feature": shapes::get_feature;
    "list-features": shapes::list_features;
    "record-route": shapes::record_route;
    "route-chat": shapes::route_chat;
    "trailers-only": statuses::trailers_only;
    "trailers": statuses::trailers;
    "percent-encoding": statuses::percent_encoding;
    "unknown-method": statuses::unknown_method;
    "not-grpc": statuses::not_grpc;
    "proxy-error": statuses::proxy_error;
    "status-codes": codes::status_codes;
    "http-errors": codes::http_errors;
    "http1-server": statuses::http1_server;
    "tls-client": statuses::tls_client;
    "late-head" at times: heads::late_head;
    "informational": heads::informational;
    "continuation": heads::continuation;
    "padding": heads::padding;
    "binary-metadata": heads::binary_metadata;
    "late-recording": heads::late_recording;
    "half-close-on-headers": streams::half_close_on_headers;
    "half-close-by-empty-data": streams::half_close_by_empty_data;
    "deadline" at times: streams::deadline;
    "cancel" at times: streams::cancel;
    "rst-stream": streams::rst_stream;
    "reset-codes": codes::reset_codes;
    "refused-stream": streams::refused_stream;
    "max-concurrent-streams": streams::max_concurrent_streams;
    "flow-control": connections::flow_control;
    "goaway" at times: connections::goaway;
    "keepalive" at times: connections::keepalive;
    "too-many-pings" at times: connections::too_many_pings;
    "message-in-many-frames": messages::message_in_many_frames;
    "many-messages-in-a-frame": messages::many_messages_in_a_frame;
    "compressed": messages::compressed;
    "compressed-without-encoding": messages::compressed_without_encoding;
    "oversize": messages::oversize;
    "unknown-frames": oddities::unknown_frames;
    "small-table": oddities::small_table;
    "protocol-errors": oddities::protocol_errors;
};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return update();
    }
    let story = |story: &'static Story| Trial::test(story.name, || trial(|| files::compare(*story)));
    let mut trials: Vec<Trial> = STORIES.iter().map(story).collect();
    trials.push(Trial::test("what_has_changed_is_told_in_words", || trial(difference::check)));
    trials.push(Trial::test("every_file_has_its_story_and_reads_back_to_the_same_text", || trial(files::check_all)));
    trials.push(Trial::test("the_listings_in_the_documents_are_golden_files", || trial(listings::compare)));
    trials.push(Trial::test("the_seeds_of_the_fuzz_target_are_golden_files", || trial(seeds::compare)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Runs a check whose panics are failures too.
fn trial(check: impl FnOnce() -> Result<(), String>) -> Result<(), libtest_mimic::Failed> {
    caught(check).map_err(Into::into)
}

fn caught<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("it has panicked; see above".into()))
}

/// Writes everything anew, first the files and then what is made of them.
fn update() -> ExitCode {
    let (mut changed, mut wrong) = (Vec::new(), Vec::new());
    let mut note = |what: &str, result: Result<Vec<String>, String>| match result {
        Ok(told) => changed.extend(told),
        Err(told) => wrong.push(format!("{what}: {told}")),
    };
    STORIES.iter().for_each(|story| note(story.name, caught(|| files::update(*story))));
    note("the listings", caught(listings::update));
    note("the seeds", caught(seeds::update));
    println!("{}", if changed.is_empty() { "Nothing has changed.".into() } else { changed.join("\n") });
    if wrong.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("{}", wrong.join("\n"));
    ExitCode::FAILURE
}
