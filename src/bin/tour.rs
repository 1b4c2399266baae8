//! `cargo run --release`: all four RouteGuide calls over our own stack, and every byte that they are on the wire.

use std::io::{self, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::Parser;
use h2grpc::client::{Channel, Target};
use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::program::{self, Outcome, Stdout};
use h2grpc::route_guide::{FILE_DESCRIPTOR_SET, Features, Guide, RouteGuide, RouteGuideClient, tour};
use h2grpc::server::{Server, listen};
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Print, Recording, Transcript};
use tokio::net::TcpStream;

/// Starts a RouteGuide server on a free loopback port, makes the tutorial's calls to it, and shows what went over the
/// wire.
///
/// At the left the bytes, at the right their meaning; -> is to the server, <- from it. A call is a HEADERS frame each
/// way, DATA frames with length-prefixed messages, and a HEADERS frame with the trailers. Lines are as long as the
/// terminal is wide, or COLUMNS says, from 70 to 110 columns. NO_COLOR and TERM=dumb turn colours off.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// How many messages of a call to show each way
    #[arg(long, value_name = "N", default_value_t = 3)]
    messages: usize,
}

/// The connection's bytes that are kept, far more than a tour has.
const RECORDED: usize = 16 * 1024 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::exit_code(run(Options::parse()).await)
}

async fn run(options: Options) -> Outcome {
    let listener = listen("127.0.0.1:0".parse()?)?;
    let address = listener.local_addr()?;
    let guide = Guide::new(Features::embedded()).into_service();
    tokio::spawn(Server::new().add(guide).serve([listener], std::future::pending()));

    let recording = Recording::new(RECORDED);
    let recorder = recording.clone();
    let connect = move || {
        let recorder = recorder.clone();
        async move { Ok(recorder.client(TcpStream::connect(address).await?)) }
    };
    let target: Target = address.to_string().parse()?;
    let client = RouteGuideClient::new(Channel::with_connector(target, ClientLimits::default(), connect));
    let known = Features::embedded();
    let colors = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    let print = Print {
        messages: options.messages,
        bytes: 96,
        colors,
        columns: program::columns().unwrap_or(Print::default().columns),
        ..Print::default()
    };
    let mut screen =
        Screen { recording, types: Types::decode(FILE_DESCRIPTOR_SET)?, print, shown: 0, out: Stdout::new() };

    let mut lines = Vec::new();
    writeln!(lines, "The RouteGuide server is on {address}, and these are the tutorial's calls.\n")?;
    tour::heading("GetFeature", &mut lines)?;
    tour::get_feature(&client, &tour::TUTORIAL_POINTS, &mut lines).await?;
    screen.show(&mut lines)?;
    tour::heading("ListFeatures", &mut lines)?;
    tour::list_features(&client, tour::TUTORIAL_RECTANGLE, &mut lines).await?;
    shorten(&mut lines);
    screen.show(&mut lines)?;
    tour::heading("RecordRoute", &mut lines)?;
    tour::record_route(&client, &known, 10, &mut lines).await?;
    screen.show(&mut lines)?;
    tour::heading("RouteChat", &mut lines)?;
    tour::route_chat(&client, &mut lines).await?;
    screen.show(&mut lines)
}

/// Leaves the heading and the first lines of a call that has many.
fn shorten(lines: &mut Vec<u8>) {
    const KEPT: usize = 6;
    let ends: Vec<usize> = (0..lines.len()).filter(|&at| lines[at] == b'\n').collect();
    if let Some(end) = ends.get(KEPT - 1) {
        lines.truncate(end + 1);
        lines.extend_from_slice(format!("... and {} more lines\n", ends.len() - KEPT).as_bytes());
    }
}

/// What is shown, and what has been.
struct Screen {
    recording: Recording,
    types: Types,
    print: Print,
    /// The highest stream whose bytes were shown; the connection's own frames, stream 0, come with the first call.
    shown: u32,
    out: Stdout,
}

impl Screen {
    /// Shows the lines of a call, and what has been on the wire since the last time.
    fn show(&mut self, lines: &mut Vec<u8>) -> Outcome {
        let mut text = String::new();
        let lines = String::from_utf8(std::mem::take(lines))?;
        let fold = textwrap::Options::new(self.print.columns).subsequent_indent("    ");
        for line in lines.lines() {
            textwrap::wrap(line, &fold).iter().for_each(|row| text += &format!("{row}\n"));
        }
        let transcript = Transcript::read(&self.recording.snapshot(), &self.types);
        if self.shown == 0 {
            text += "\nOn the wire, first what concerns the connection as a whole:\n\n";
            transcript.write_call(0, &self.print, &mut text)?;
        }
        for (stream, call) in transcript.calls.range(self.shown + 1..) {
            text += &format!("\nOn the wire, the call to {} on stream {stream}:\n\n", call.path);
            transcript.write_call(*stream, &self.print, &mut text)?;
            self.shown = *stream;
        }
        Ok(writeln!(self.out, "{text}")?)
    }
}
