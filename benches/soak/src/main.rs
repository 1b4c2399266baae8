//! Loads that last long or are heavy, with faults, and what they have shown: docs/soak.md has the commands and figures.

mod callers;
mod clients;
mod connections;
mod count;
mod crowd;
mod frames;
mod jobs;
mod mixed;
mod rough;
mod serve;
mod tally;
mod tap;
mod torn;
mod watched;

use std::process::ExitCode;

use clap::Parser;

/// What ends a command early.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Long and heavy loads with faults on h2grpc. Each command prints its figures, and fails if a promise was broken.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// Thousands of idle connections beside many active ones: memory, CPU time, latencies
    Crowd(crowd::Options),
    /// Mixed clients, many of them faulty, for a long time: memory and descriptors must stay flat
    Mixed(mixed::Options),
    /// Many calls with faults, over servers that are drained again and again: the counters of both sides must agree
    Count(count::Options),
    /// Two taps that explain the calls of 100 connections each: their memory must stay flat
    Tap(tap::Options),
    /// The server that crowd, mixed and tap start if they are not told another: RouteGuide with the default limits
    Serve,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Crowd(options) => crowd::run(&options).await,
        Command::Mixed(options) => mixed::run(&options).await,
        Command::Count(options) => count::run(&options).await,
        Command::Tap(options) => tap::run(&options).await,
        Command::Serve => serve::run().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}
