//! `cargo run --release`: all four RouteGuide calls over our own stack, and every byte that they are on the wire.

mod pager;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::Parser;
use h2grpc::client::{Channel, Target};
use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::program::{self, Outcome};
use h2grpc::route_guide::{FILE_DESCRIPTOR_SET, Features, Guide, RouteGuide, RouteGuideClient, tour};
use h2grpc::server::{Server, listen};
use h2grpc::transcript::html::HtmlOptions;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Print, Recording, Transcript};
use pager::{Next, Pager};
use tokio::net::TcpStream;

/// Starts a RouteGuide server on a free loopback port, makes the tutorial's calls to it, and shows what went over the
/// wire.
///
/// Each frame is told in a sentence or two, and then its bytes: at the left the bytes, at the right their meaning; -> is
/// to the server, <- from it. On a terminal Enter goes on to the next screen, and q and Enter end. The same is written as a
/// page for a browser, where every byte can be looked at. Lines are as long as the terminal is wide, or COLUMNS says, from
/// 70 to 110 columns. NO_COLOR and TERM=dumb turn colours off.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// How many messages of a call to show each way
    #[arg(long, value_name = "N", default_value_t = 3)]
    messages: usize,

    /// Show everything at once, without waiting after each screen
    #[arg(long)]
    all: bool,

    /// Where to write the page, which opens in any browser [default: h2grpc-tour.html in the folder target/ where there
    /// is one, else in the folder for temporary files]
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// The connection's bytes that are kept, far more than a tour has.
const RECORDED: usize = 16 * 1024 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::exit_code(run(Options::parse()).await)
}

async fn run(options: Options) -> Outcome {
    let (calls, recording) = make_calls().await?;
    let types = Types::decode(FILE_DESCRIPTOR_SET)?;
    let transcript = Transcript::read(&recording.snapshot(), &types);
    let colors = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    let columns = program::columns().unwrap_or(Print::default().columns);
    let print = Print { messages: options.messages, bytes: 96, colors, columns, prose: true, ..Print::default() };
    let page = options.html.unwrap_or_else(default_page);
    let written = write_page(&transcript, &page);

    let mut pager = Pager::new(options.all);
    let mut shown = 0;
    for (at, call) in calls.iter().enumerate() {
        let mut text = fold(&call.lines, columns);
        if at == 0 {
            text += "\nOn the wire, first what concerns the connection as a whole:\n\n";
            transcript.write_call(0, &print, &mut text)?;
        }
        for (stream, known) in transcript.calls.range(shown + 1..=call.last_stream) {
            text += &format!("\nOn the wire, the call to {} on stream {stream}:\n\n", known.path);
            transcript.write_call(*stream, &print, &mut text)?;
            shown = *stream;
        }
        if pager.show(&(text + "\n"))? == Next::End {
            break;
        }
    }
    let page = page.display();
    let end = match written {
        Ok(()) => format!("The same for a browser, every byte explained: {page}\n"),
        Err(error) => {
            format!("The page for a browser could not be written to {page}: {error}. --html FILE names another.\n")
        }
    };
    Ok(pager.end(&fold(end.as_bytes(), columns))?)
}

/// A part of the tour: what it did, and the last stream that it used.
struct Call {
    lines: Vec<u8>,
    last_stream: u32,
}

/// Makes the tutorial's calls to a server of our own, over a connection that is recorded.
async fn make_calls() -> Result<(Vec<Call>, Recording), Box<dyn std::error::Error>> {
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

    let mut lines = Vec::new();
    writeln!(lines, "The RouteGuide server is on {address}, and these are the tutorial's calls.\n")?;
    let legend = "After each call come its frames on the wire: -> is from the client to the server, <- from the server to \
        the client. At the left are the bytes in hexadecimal, at the right is what they mean.\n";
    writeln!(lines, "{legend}")?;
    writeln!(lines, "GetFeature is a unary call: one request, one answer. What is at a point of the map?")?;
    tour::heading("GetFeature", &mut lines)?;
    tour::get_feature(&client, &tour::TUTORIAL_POINTS, &mut lines).await?;
    let mut calls = vec![Call { lines, last_stream: 3 }];

    let mut lines = Vec::new();
    writeln!(lines, "ListFeatures streams its answer: one request, and a message for each feature of a rectangle.")?;
    tour::heading("ListFeatures", &mut lines)?;
    tour::list_features(&client, tour::TUTORIAL_RECTANGLE, &mut lines).await?;
    shorten(&mut lines);
    calls.push(Call { lines, last_stream: 5 });

    let mut lines = Vec::new();
    writeln!(lines, "RecordRoute streams its request: a message for each point of a trip, and one answer at the end.")?;
    tour::heading("RecordRoute", &mut lines)?;
    tour::record_route(&client, &known, 10, &mut lines).await?;
    calls.push(Call { lines, last_stream: 7 });

    let mut lines = Vec::new();
    writeln!(lines, "RouteChat streams both ways at once: each note is answered by the earlier ones at its place.")?;
    tour::heading("RouteChat", &mut lines)?;
    tour::route_chat(&client, &mut lines).await?;
    calls.push(Call { lines, last_stream: u32::MAX });
    Ok((calls, recording))
}

/// Lines that fit into so many columns.
fn fold(lines: &[u8], columns: usize) -> String {
    let fold = textwrap::Options::new(columns).subsequent_indent("    ");
    let rows = String::from_utf8_lossy(lines);
    rows.lines().flat_map(|line| textwrap::wrap(line, &fold)).map(|row| format!("{row}\n")).collect()
}

/// `cargo run` is called where `target/` is, which Git ignores.
fn default_page() -> PathBuf {
    let target = PathBuf::from("target");
    let folder = if target.is_dir() { target } else { std::env::temp_dir() };
    folder.join("h2grpc-tour.html")
}

fn write_page(transcript: &Transcript, page: &Path) -> io::Result<()> {
    let options = HtmlOptions { title: "The tour of RouteGuide".into(), ..HtmlOptions::default() };
    std::fs::write(page, transcript.to_html(&options))
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
