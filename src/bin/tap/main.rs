//! Shows what gRPC clients and servers say to each other: `tap --help` tells how.

mod capture;
mod copies;
mod diff;
mod explain;
mod filter;
mod live;
mod names;
mod options;
mod page;
mod pass;
mod replay;
mod save;
mod screen;
mod show;
mod system;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use h2grpc::route_guide::program::printable;
use options::{Command, Options};

/// How a run ended that could do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Well,
    /// A rule was broken, or two things differ.
    Different,
}

fn main() -> ExitCode {
    let Options { live, command } = Options::parse();
    let ended = match &command {
        None => live::run(&live),
        Some(Command::Show { file, html, names, shown }) => show::run(file, html.as_deref(), names, shown),
        Some(Command::Read { file, port, page, names, shown }) => capture::run(file, *port, page, names, shown),
        Some(Command::Replay { file, to, stream, patience, ignore, names }) => {
            let replay = replay::Replay { to, stream: *stream, patience: *patience, ignore };
            replay.run(file, names)
        }
        Some(Command::Diff { first, second, ignore, names }) => diff::run(first, second, ignore, names),
    };
    match ended {
        Ok(End::Well) => ExitCode::SUCCESS,
        Ok(End::Different) => ExitCode::from(1),
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Writes a line to standard error, where that takes one.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(line));
}
