//! The command line of `tap`.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, value_parser};
use h2grpc::route_guide::arguments::Listen;

use super::filter::Clause;

/// Shows what a gRPC client and a gRPC server say to each other, in any language, on cleartext connections.
///
/// Start it between the two: it listens where the client connects to, and passes every byte on to the server,
/// unchanged. For each call it prints when it begins, its messages with their fields, and how it ends. Lines begin with
/// the time in seconds and CONNECTION.STREAM; -> is to the server, <- from it.
#[derive(Parser)]
#[command(
    name = "tap",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Try it:\n  server &\n  tap --listen 50052 --to localhost:50051 --proto proto/route_guide.proto &\n  \
    client --addr http://localhost:50052 all\n\n\
    The exit code is 0; 1 if --check found a broken rule, or diff or replay a difference; 2 if something could not be \
    done."
)]
pub struct Options {
    #[command(flatten)]
    pub live: Live,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Between two programs.
#[derive(Args)]
pub struct Live {
    /// Where clients connect to: IP:PORT, HOST:PORT, or PORT for both loopback addresses. Port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", value_parser = Listen::read, required = true)]
    pub listen: Option<Listen>,

    /// The server: HOST:PORT, or PORT on this machine
    #[arg(long, value_name = "ADDRESS", value_parser = server, required = true)]
    pub to: Option<String>,

    /// End when so many connections have come and are closed again [default: never]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub connections: Option<u64>,

    /// Connections that may be open; further ones wait
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    pub max_connections: usize,

    /// How far explanations may fall behind, in MiB. Bytes beyond pass unexplained, and their number is told
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = RangedU64ValueParser::<usize>::new().range(1..=65_536))]
    pub lag: usize,

    /// Write the bytes with their meaning to FILE, as text that `tap show` reads. The second connection goes to FILE with
    /// -2 before its extension, and so on
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,

    /// How much to save of all connections together, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256, requires = "save", value_parser = value_parser!(u64).range(1..=1_048_576))]
    pub save_limit: u64,

    #[command(flatten)]
    pub page: Paged,

    #[command(flatten)]
    pub names: Names,

    #[command(flatten)]
    pub shown: Shown,
}

/// A page of all connections.
#[derive(Args)]
pub struct Paged {
    /// Write a page for a browser to FILE at the end: all connections, every byte explained
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// How much of all connections together is in the page, in MiB. What is left out is told
    #[arg(long, value_name = "MIB", default_value_t = 16, requires = "html", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub html_limit: usize,
}

/// Names for the fields of messages. Without them, fields have their numbers and the most likely reading.
#[derive(Args)]
#[command(next_help_heading = "Names")]
pub struct Names {
    /// A .proto file, repeatable
    #[arg(long, value_name = "FILE")]
    pub proto: Vec<PathBuf>,

    /// A folder in which .proto files and their imports are, repeatable [default: those of the files]
    #[arg(long, value_name = "DIR", requires = "proto")]
    pub include: Vec<PathBuf>,

    /// A file of compiled descriptors (protoc --descriptor_set_out=FILE --include_imports), repeatable
    #[arg(long, value_name = "FILE")]
    pub descriptor_set: Vec<PathBuf>,
}

/// What is shown, and how.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub struct Shown {
    /// Show each frame's bytes, with what they mean
    #[arg(long)]
    pub bytes: bool,

    /// Print one JSON object a line for each event; docs/tap.md describes them
    #[arg(long)]
    pub json: bool,

    /// Show only calls for which this holds, repeatable: KEY=PATTERN or KEY!=PATTERN
    ///
    /// KEY is path, service, method, status, connection, stream or metadata:NAME, and PATTERN a text in which * stands for
    /// any other text: path=/routeguide.*, status=NOT_FOUND, status!=0, metadata:x-id=7, metadata:x-id=*. Metadata is that of
    /// request or answer. Of several filters all must hold. A call whose status is asked for is shown when it ends.
    #[arg(long, value_name = "KEY=PATTERN", value_parser = Clause::read)]
    pub filter: Vec<Clause>,

    /// Show credentials and cookies. Without it their values are hidden in what is printed and saved
    #[arg(long)]
    pub show_secrets: bool,

    /// Judge what passes by the rules of HTTP/2 and gRPC, and exit with 1 if one was broken
    #[arg(long)]
    pub check: bool,
}

#[derive(Subcommand)]
pub enum Command {
    /// Explain a saved transcript
    Show {
        /// The file, or - for standard input
        file: PathBuf,
        /// Write it as a page for a browser too, every byte explained
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        #[command(flatten)]
        names: Names,
        #[command(flatten)]
        shown: Shown,
    },
    /// Explain the HTTP/2 connections of a network capture, pcap or pcapng
    Read {
        /// The file, as tcpdump -w and Wireshark write it
        file: PathBuf,
        /// The server's port: connections of other ports are left out [default: all that look like HTTP/2]
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
        #[command(flatten)]
        page: Paged,
        #[command(flatten)]
        names: Names,
        #[command(flatten)]
        shown: Shown,
    },
    /// Send what the client of a saved transcript sent to a server, and show where its answers differ
    ///
    /// Compared is what they mean: header fields but for `date`, messages and statuses.
    Replay {
        /// The saved transcript
        file: PathBuf,
        /// The server: HOST:PORT, or PORT on this machine
        #[arg(long, value_name = "ADDRESS", value_parser = server)]
        to: String,
        /// Send only the call of this stream
        #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
        stream: Option<u32>,
        /// How long to wait for an answer, in seconds
        #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = h2grpc::route_guide::arguments::seconds)]
        patience: std::time::Duration,
        /// A header field that may differ, repeatable
        #[arg(long, value_name = "NAME", default_value = "date")]
        ignore: Vec<String>,
        #[command(flatten)]
        names: Names,
    },
    /// Show where two saved transcripts differ
    ///
    /// The first call to a path is compared with the first one to that path, and so on. Compared is what they mean:
    /// header fields but for `date`, messages and statuses.
    Diff {
        /// The first transcript, whose side of a difference begins with -
        first: PathBuf,
        /// The second one, with +
        second: PathBuf,
        /// A header field that may differ, repeatable
        #[arg(long, value_name = "NAME", default_value = "date")]
        ignore: Vec<String>,
        #[command(flatten)]
        names: Names,
    },
}

/// Reads where a server is. Its name is looked up whenever it is connected to.
fn server(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
    match port.parse::<u16>() {
        Ok(1..) if host.contains("://") => Err("a scheme has no meaning here; expected HOST:PORT or PORT".to_owned()),
        Ok(1..) if !host.is_empty() => Ok(format!("{host}:{port}")),
        _ => Err("expected HOST:PORT or PORT, with a port from 1 to 65535".to_owned()),
    }
}
