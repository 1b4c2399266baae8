//! `cargo run --release`: all four RouteGuide calls over our own stack, and every byte that they are on the wire.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use h2grpc::client::{Channel, Endpoint};
use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::{FILE_DESCRIPTOR_SET, Features, Guide, RouteGuide, RouteGuideClient, tour};
use h2grpc::server::{Server, listen};
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Print, Recording, Transcript};
use tokio::net::TcpStream;

/// Starts a RouteGuide server on a free loopback port, makes the tutorial's calls to it, and shows what went over the
/// wire.
///
/// At the left the bytes, at the right their meaning; -> is to the server, <- from it. A call is a HEADERS frame each
/// way, DATA frames with length-prefixed messages, and a HEADERS frame with the trailers.
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
    tour::exit_code(run(Options::parse()).await)
}

async fn run(options: Options) -> tour::Outcome {
    let colors = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
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
    let endpoint: Endpoint = address.to_string().parse()?;
    let client = RouteGuideClient::new(Channel::with_connector(endpoint, ClientLimits::default(), connect));
    let known = Features::embedded();
    let print = Print { messages: options.messages, bytes: 96, colors };
    let types = Types::decode(FILE_DESCRIPTOR_SET)?;
    // The highest stream that was shown; the connection's own frames, stream 0, come with the first call.
    let mut shown = 0;
    // Shows what has been on the wire since the last time.
    let mut show = |out: &mut dyn Write| -> tour::Outcome {
        let transcript = Transcript::read(&recording.snapshot(), &types);
        let mut text = String::new();
        if shown == 0 {
            text += "\nOn the wire, first what concerns the connection as a whole:\n\n";
            transcript.write_call(0, &print, &mut text)?;
        }
        for (stream, call) in transcript.calls.range(shown + 1..) {
            text += &format!("\nOn the wire, the call to {} on stream {stream}:\n\n", call.path);
            transcript.write_call(*stream, &print, &mut text)?;
            shown = *stream;
        }
        Ok(writeln!(out, "{text}")?)
    };
    let out = &mut io::stdout().lock();

    writeln!(out, "The RouteGuide server is on {address}, and these are the tutorial's calls.\n")?;
    tour::heading("GetFeature", out)?;
    tour::get_feature(&client, &tour::TUTORIAL_POINTS, out).await?;
    show(out)?;
    tour::heading("ListFeatures", out)?;
    let mut lines = Vec::new();
    tour::list_features(&client, tour::TUTORIAL_RECTANGLE, &mut lines).await?;
    let lines = String::from_utf8_lossy(&lines);
    lines.lines().take(5).try_for_each(|line| writeln!(out, "{line}"))?;
    writeln!(out, "... and {} more lines", lines.lines().count().saturating_sub(5))?;
    show(out)?;
    tour::heading("RecordRoute", out)?;
    tour::record_route(&client, &known, 10, out).await?;
    show(out)?;
    tour::heading("RouteChat", out)?;
    tour::route_chat(&client, out).await?;
    show(out)
}
