//! What attacks cost our server, and what they cost tonic's: CPU time per byte that the attacker sends, memory, and how
//! long somebody else waits meanwhile. The attacks are those of `tests/attacks`, from the same source.
//!
//! Each attack meets a server of its own. The two servers take turns; figures are medians over the rounds.

#[path = "../../../../../tests/attacks/chats.rs"]
mod chats;
mod common;
#[path = "../../../../../tests/attacks/control.rs"]
mod control;
#[path = "../../../../../tests/attacks/counted.rs"]
mod counted;
#[path = "../../../../../tests/attacks/crowd.rs"]
mod crowd;
#[path = "../../../../../tests/attacks/frames.rs"]
mod frames;
#[path = "../../../../../tests/attacks/heads.rs"]
mod heads;
#[path = "../../../../../tests/attacks/list.rs"]
mod list;
mod measure;
#[path = "../../../../../tests/attacks/memory.rs"]
mod memory;
#[path = "../../../../../tests/attacks/messages.rs"]
mod messages;
mod other;
#[path = "../../../../../tests/attacks/peer.rs"]
mod peer;
mod report;
mod server;
#[path = "../../../../../tests/attacks/slow.rs"]
mod slow;
#[path = "../../../../../tests/attacks/streams.rs"]
mod streams;

use std::any::Any;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use clap::Parser;

use list::{LITTLE, Terms, USUAL, every_attack};
use measure::measure;
use report::Row;
use server::{Kind, build};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Attacks our server and tonic's, and writes what that costs them into docs/threats.md and
/// docs/performance/attacks.json.
#[derive(Parser)]
struct Args {
    /// How often each attack meets each server.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these attacks, by their names in docs/threats.md, separated by commas; the others stay as they were measured
    /// before.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Write the document again from the figures that are there.
    #[arg(long)]
    report: bool,
}

/// What an attacker still holds when all is sent.
pub type Held = Box<dyn Any + Send>;

/// An attack that can be started.
pub struct Attack {
    pub name: &'static str,
    pub terms: Terms,
    pub launch: fn(SocketAddr) -> Pin<Box<dyn Future<Output = Held> + Send>>,
}

macro_rules! attacks {
    ($($name:ident: $file:ident, $terms:expr;)*) => {
        const ATTACKS: &[Attack] = &[$(Attack {
            name: stringify!($name),
            terms: $terms,
            launch: |address| Box::pin(async move { Box::new($file::$name(address).await) as Held }),
        }),*];
    };
}
every_attack!(attacks);

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let product = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let kept = product.join("docs/performance/attacks.json");
    if args.report {
        let rows: Vec<Row> = serde_json::from_slice(&std::fs::read(kept)?)?;
        return report::write(&product, &rows);
    }
    let attacks = chosen(&args.only)?;
    let servers = build(&product)?;
    say_nothing_of_attacks();
    let mut rows: Vec<Row> = attacks.iter().map(|attack| Row::new(attack.name)).collect();
    for round in 0..args.rounds {
        for (attack, row) in attacks.iter().zip(&mut rows) {
            let turns = if round % 2 == 0 { Kind::BOTH } else { [Kind::BOTH[1], Kind::BOTH[0]] };
            for kind in turns {
                let figures = measure(&servers, kind, attack).await?;
                println!("{:2} {:48} {:8} {figures}", round + 1, attack.name, kind.name());
                row.of(kind).push(figures);
            }
        }
    }
    let rows = if args.only.is_empty() { rows } else { together(&kept, rows)? };
    std::fs::write(kept, serde_json::to_string_pretty(&rows)? + "\n")?;
    report::write(&product, &rows)
}

/// The rows that were kept, with those of `rows` in their place.
fn together(kept: &Path, mut rows: Vec<Row>) -> Result<Vec<Row>> {
    let mut all: Vec<Row> = serde_json::from_slice(&std::fs::read(kept)?)?;
    for row in &mut all {
        if let Some(at) = rows.iter().position(|new| new.attack == row.attack) {
            *row = rows.swap_remove(at);
        }
    }
    Ok(all)
}

/// The attacks with these names, or all.
fn chosen(only: &[String]) -> Result<Vec<&'static Attack>> {
    if let Some(unknown) = only.iter().find(|name| ATTACKS.iter().all(|attack| attack.name != name.as_str())) {
        return Err(format!(
            "--only {unknown}: there is no such attack; docs/threats.md names them in its last column"
        )
        .into());
    }
    let wanted = |attack: &&Attack| only.is_empty() || only.iter().any(|name| name == attack.name);
    Ok(ATTACKS.iter().filter(wanted).collect())
}

/// An attack panics when a server does not do what ours has to do. Its words are kept with the figures.
fn say_nothing_of_attacks() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|at| at.file().contains("/tests/")) {
            usual(panic);
        }
    }));
}
