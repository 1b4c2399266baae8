//! One command that measures every RouteGuide server there is against every other and writes `docs/performance.md`.
//!
//! Server and generator have a core each. The servers take turns, short ones in each of several rounds, so that a busy
//! spell of the machine meets all of them; figures are medians, ratios are medians of the ratios within a round.

mod clients;
mod instructions;
mod machine;
mod plot;
mod report;
mod rounds;
mod scale;
mod servers;
mod tap;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measures RouteGuide servers against each other and writes docs/performance.md.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// How often each server has its turn.
    #[arg(long, global = true, default_value_t = 5)]
    rounds: usize,
    /// How many seconds each figure is measured for.
    #[arg(long, global = true, default_value_t = 2.0)]
    seconds: f64,
    /// One round of half a second each: shows that everything works, not how fast.
    #[arg(long, global = true)]
    quick: bool,
    /// Install missing peers with apt-get (needs root).
    #[arg(long, global = true)]
    install: bool,
    /// Only these servers, by name, separated by commas.
    #[arg(long, global = true, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the document and its figures go, instead of docs/ beside the product's Cargo.toml.
    #[arg(long, global = true)]
    docs: Option<PathBuf>,
}

#[derive(Clone, PartialEq, Subcommand)]
enum Part {
    /// Time, rate, latency and memory of the common cases (also what runs without a subcommand, with
    /// `clients` and `instructions`).
    Rounds,
    /// What calls cost our client and tonic's, against the floor.
    Clients,
    /// Instructions per unary call of servers and clients, counted by callgrind.
    Instructions,
    /// How cost grows with connections, streams, sizes and the database; memory of 10,000 connections.
    Scale {
        /// Only these plots, by name, separated by commas; the others stay as they were measured before.
        #[arg(long, value_delimiter = ',')]
        axes: Vec<String>,
    },
    /// Which share of the rate of unary calls is left with the tap in between.
    Tap,
    /// Everything.
    All,
    /// Write the document again from the figures that are there.
    Report,
}

/// Where things are.
pub struct Places {
    /// This crate.
    pub peers: PathBuf,
    /// The product.
    pub product: PathBuf,
    /// What is generated: databases, servers in other languages.
    pub work: PathBuf,
    /// The document and its figures.
    pub docs: PathBuf,
}

fn main() -> Result<()> {
    let mut args = Args::parse();
    if args.quick {
        (args.rounds, args.seconds) = (1, 0.5);
    }
    allow_many_files();
    let peers = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let product = peers.join("../..").canonicalize()?;
    let docs = args.docs.clone().unwrap_or_else(|| product.join("docs"));
    let places = Places { work: peers.join("target/work"), peers, product, docs };
    std::fs::create_dir_all(places.docs.join("performance"))?;
    std::fs::create_dir_all(&places.work)?;

    if args.part != Some(Part::Report) {
        let servers = servers::available(&places, args.install, &args.only)?;
        let part = &args.part;
        if matches!(part, None | Some(Part::Rounds | Part::All)) {
            let figures = rounds::run(&places, &servers, args.rounds, args.seconds)?;
            keep(&places, "rounds", &figures)?;
            keep(&places, "machine", &machine::describe(&places, &servers, &args))?;
        }
        if matches!(part, None | Some(Part::Clients | Part::All)) {
            keep(&places, "clients", &clients::run(&places, &servers, args.rounds, args.seconds)?)?;
        }
        if matches!(part, None | Some(Part::Instructions | Part::All)) {
            let (of_servers, of_clients) = instructions::run(&places, &servers, args.quick)?;
            keep(&places, "instructions", &of_servers)?;
            keep(&places, "client-instructions", &of_clients)?;
        }
        if matches!(part, Some(Part::Tap | Part::All)) {
            keep(&places, "tap", &tap::run(&places, &servers, args.rounds, args.seconds)?)?;
        }
        if let Some(Part::Scale { axes }) = part {
            keep(&places, "scale", &scale::run(&places, &servers, args.quick, axes)?)?;
        } else if matches!(part, Some(Part::All)) {
            keep(&places, "scale", &scale::run(&places, &servers, args.quick, &[])?)?;
        }
    }
    let document = places.docs.join("performance.md");
    std::fs::write(&document, report::write(&places)?)?;
    println!("wrote {}", document.display());
    Ok(())
}

/// 10,000 connections need as many file descriptors in the server, and in the generator: both inherit the limit.
fn allow_many_files() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}

/// The figures of each part are kept beside the document, which is written from all that are there.
fn keep(places: &Places, part: &str, figures: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(figures)?;
    Ok(std::fs::write(kept_path(places, part), text + "\n")?)
}

pub fn kept<T: serde::de::DeserializeOwned>(places: &Places, part: &str) -> Option<T> {
    let text = std::fs::read(kept_path(places, part)).ok()?;
    serde_json::from_slice(&text).ok()
}

fn kept_path(places: &Places, part: &str) -> PathBuf {
    places.docs.join("performance").join(part).with_extension("json")
}

/// A database in the format of the tutorials, made when it is first asked for.
pub fn database(work: &Path, features: usize, name_len: Option<usize>) -> Result<PathBuf> {
    let len = name_len.map_or(String::new(), |len| format!("-names-{len}"));
    let path = work.join(format!("features-{features}{len}.json"));
    if !path.exists() {
        let unfinished = path.with_extension("part");
        peers::data::write_json(&unfinished, features, name_len)?;
        std::fs::rename(unfinished, &path)?;
    }
    Ok(path)
}
