//! `docs/performance.md`, from the figures that are kept beside it.

use std::fmt::Write;

use peers::stats::{median, thousands};

use crate::clients;
use crate::instructions::{ClientCount, Count};
use crate::rounds::{CASES, Case, Sample};
use crate::scale::{Scale, Step};
use crate::servers::{FLOOR, Figures, OURS, TONIC};
use crate::tap;
use crate::{Places, Result, kept, plot};

/// What the product promises: a case, and the most it may cost in times the floor and in times tonic's better runtime.
const PROMISES: [(&str, Option<f64>, Option<f64>); 5] = [
    ("unary", Some(1.20), Some(0.60)),
    ("list", Some(1.35), Some(0.35)),
    ("list-100k", Some(1.35), Some(0.25)),
    ("record", None, Some(0.60)),
    ("chat", Some(1.30), Some(0.75)),
];

pub fn write(places: &Places) -> Result<String> {
    let samples: Vec<Sample> = kept(places, "rounds").unwrap_or_default();
    let counts: Vec<Count> = kept(places, "instructions").unwrap_or_default();
    let clients: Vec<clients::Sample> = kept(places, "clients").unwrap_or_default();
    let client_counts: Vec<ClientCount> = kept(places, "client-instructions").unwrap_or_default();
    let taps: Vec<tap::Sample> = kept(places, "tap").unwrap_or_default();
    let scale: Option<Scale> = kept(places, "scale");
    let machine: Vec<(String, String)> = kept(places, "machine").unwrap_or_default();
    let mut out = String::from(INTRODUCTION);
    if !samples.is_empty() {
        overview(&mut out, &samples)?;
        promises(&mut out, &samples, &clients, &counts, &taps)?;
    }
    if !clients.is_empty() {
        the_client(&mut out, &clients, &client_counts)?;
    }
    if !counts.is_empty() {
        instructions(&mut out, &counts)?;
    }
    for case in CASES.iter().filter(|case| samples.iter().any(|s| s.case == case.name)) {
        detail(&mut out, case, &samples)?;
    }
    if !samples.is_empty() {
        peaks(&mut out, &samples)?;
    }
    if let Some(scale) = &scale {
        growth(places, &mut out, scale)?;
    }
    writeln!(out, "\n## Machine and versions\n\n| | |\n|---|---|")?;
    for (name, value) in &machine {
        writeln!(out, "| {name} | {value} |")?;
    }
    Ok(out)
}

const INTRODUCTION: &str = "# Performance

This file is written by `cargo run --release --bin compare -- all` in `benches/peers`; its README says how the figures come about and how to
read them. In short: the server has one core and the load generator another. **CPU** is the server's user and system time for
a call or a message, read from the kernel before and after the measured part: the steadiest figure on a busy machine. In a
round the servers take turns of 20 ms; a figure is the median of the rounds, with the least and the most beside it, and a
ratio is the median of the ratios within a round. Every answer was checked. `floor` is no gRPC server: it sends canned answers
straight on h2, decodes nothing and looks nothing up, so no server on h2 can be much cheaper. It takes its turns in the plain
order: all requests, all answers, one write. What h2grpc's turns do beside that (they ask h2 and a drained socket less often,
and are not woken by what they do themselves) was tried on the floor too: 0.97 to 1.02 times its cost, so it stays plain.

h2grpc's server is the one that `cargo build --release --bin server` builds in the product's own package, without options.
";

/// The servers in the order they were measured first.
fn servers(samples: &[Sample]) -> Vec<&str> {
    let mut names = Vec::new();
    for sample in samples.iter().filter(|s| s.round == 0) {
        if !names.contains(&sample.server.as_str()) {
            names.push(sample.server.as_str());
        }
    }
    names
}

fn of<'a>(samples: &'a [Sample], case: &str, server: &str) -> Vec<&'a Sample> {
    samples.iter().filter(|s| s.case == case && s.server == server).collect()
}

fn cost(case: &Case, figures: &Figures) -> f64 {
    if case.per_message { figures.cpu_us_per_message } else { figures.cpu_us_per_call }
}

/// The costs of rounds that answered anything.
fn costs(case: &Case, samples: &[Sample], server: &str) -> Vec<f64> {
    of(samples, case.name, server).iter().filter(|s| s.figures.calls > 0).map(|s| cost(case, &s.figures)).collect()
}

/// The median, over the rounds, of one server's cost in times another's.
fn ratio(case: &Case, samples: &[Sample], server: &str, other: &str) -> Option<f64> {
    let others = of(samples, case.name, other);
    let pairs = of(samples, case.name, server).into_iter().filter_map(|a| {
        let b = others.iter().find(|b| b.round == a.round && b.figures.calls > 0)?;
        (a.figures.calls > 0).then(|| cost(case, &a.figures) / cost(case, &b.figures))
    });
    let ratios: Vec<f64> = pairs.collect();
    (!ratios.is_empty()).then(|| median(&ratios))
}

/// Against tonic's better runtime.
fn against_tonic(case: &Case, samples: &[Sample], server: &str) -> Option<f64> {
    TONIC.iter().filter_map(|tonic| ratio(case, samples, server, tonic)).reduce(f64::max)
}

fn overview(out: &mut String, samples: &[Sample]) -> Result<()> {
    let servers = servers(samples);
    writeln!(out, "\n## Server CPU in microseconds\n")?;
    writeln!(out, "| work | {} |", servers.join(" | "))?;
    writeln!(out, "|---|{}", "---:|".repeat(servers.len()))?;
    for case in &CASES {
        let unit = if case.per_message { "a message" } else { "a call" };
        write!(out, "| {} ({unit}) |", case.title)?;
        for server in &servers {
            match costs(case, samples, server).as_slice() {
                [] => write!(out, " - |")?,
                costs => write!(out, " {} |", figure(median(costs)))?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

fn promises(
    out: &mut String, samples: &[Sample], clients: &[clients::Sample], counts: &[Count], taps: &[tap::Sample],
) -> Result<()> {
    if !samples.iter().any(|s| s.server == OURS) {
        writeln!(out, "\nThe product's own server was not there to be measured.")?;
        return Ok(());
    }
    writeln!(out, "\n## What we hold ourselves to\n\n| case | against | bar | measured | |\n|---|---|---|---:|---|")?;
    let mut row = |case: &str, against: &str, bar: Bar, measured: Option<f64>| {
        let verdict = measured.map_or("not measured", |it| if bar.is_kept(it) { "kept" } else { "missed" });
        writeln!(out, "| {case} | {against} | {bar} | {} | {verdict} |", times(measured))
    };
    for (name, floor, tonic) in PROMISES {
        let Some(case) = CASES.iter().find(|case| case.name == name) else { continue };
        if let Some(most) = floor {
            row(name, "floor", Bar::AtMost(most), ratio(case, samples, OURS, FLOOR))?;
        }
        if let Some(most) = tonic {
            row(name, "tonic's better runtime", Bar::AtMost(most), against_tonic(case, samples, OURS))?;
        }
    }
    let counted = |server: &str| counts.iter().find(|c| c.server == server).map(|c| c.per_call);
    let instructions = counted(OURS).zip(counted(FLOOR)).map(|(ours, floor)| ours / floor);
    row("unary, instructions", "floor", Bar::AtMost(1.15), instructions)?;
    for case in &clients::CASES {
        let Some(least) = case.bar else { continue };
        let name = format!("client {}: calls per CPU second", case.name);
        row(&name, "tonic's better runtime", Bar::AtLeast(least), client_rate(case, clients, OURS))?;
    }
    if !taps.is_empty() {
        row(
            "unary through the tap: calls per second",
            "the same without it",
            Bar::AtLeast(tap::BAR),
            tap::share(taps),
        )?;
    }
    Ok(())
}

/// What a ratio has to be.
enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl Bar {
    fn is_kept(&self, ratio: f64) -> bool {
        match *self {
            Bar::AtMost(most) => ratio <= most,
            Bar::AtLeast(least) => ratio >= least,
        }
    }
}

impl std::fmt::Display for Bar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Bar::AtMost(most) => write!(f, "at most {most:.2}"),
            Bar::AtLeast(least) => write!(f, "at least {least:.2}"),
        }
    }
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |r| format!("{r:.2}"))
}

fn client_cost(case: &clients::Case, figures: &clients::Figures) -> f64 {
    if case.per_message { figures.cpu_us_per_message } else { figures.cpu_us_per_call }
}

/// A client's calls per CPU second in times those of tonic's client on its better runtime: the median over the rounds.
fn client_rate(case: &clients::Case, samples: &[clients::Sample], client: &str) -> Option<f64> {
    let of = |name: &str| -> Vec<&clients::Sample> {
        samples.iter().filter(|s| s.case == case.name && s.client == name && s.figures.calls > 0).collect()
    };
    let against = |tonic: &str| {
        let (ours, theirs) = (of(client), of(tonic));
        let pairs = ours.iter().filter_map(|a| Some((a, theirs.iter().find(|b| b.round == a.round)?)));
        let ratios: Vec<f64> =
            pairs.map(|(a, b)| client_cost(case, &b.figures) / client_cost(case, &a.figures)).collect();
        (!ratios.is_empty()).then(|| median(&ratios))
    };
    TONIC.iter().filter_map(|tonic| against(tonic)).reduce(f64::min)
}

fn the_client(out: &mut String, samples: &[clients::Sample], counts: &[ClientCount]) -> Result<()> {
    writeln!(
        out,
        "\n## The client\n\nThe other way round: clients against the floor, which is cheaper than any of them, so that the client's core \
         is the busy one. CPU is the client's own; every answer is decoded and compared with what is due. tonic's client has a channel \
         for each connection, Nagle's algorithm off and windows of 1 MiB. \"x tonic\" is calls per CPU second in times those of tonic's better \
         runtime: more is better.\n"
    )?;
    writeln!(
        out,
        "| work | client | CPU us | least-most | a CPU second | x tonic | client busy | server busy | p50 us | p99 us | right calls | wrong calls |"
    )?;
    writeln!(out, "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")?;
    for case in &clients::CASES {
        let unit = if case.per_message { "message" } else { "call" };
        for client in &clients::CLIENTS {
            let rounds: Vec<_> =
                samples.iter().filter(|s| s.case == case.name && s.client == client.name).map(|s| &s.figures).collect();
            if rounds.is_empty() {
                continue;
            }
            let middle = |value: &dyn Fn(&clients::Figures) -> f64| {
                median(&rounds.iter().map(|figures| value(figures)).collect::<Vec<_>>())
            };
            let costs = rounds.iter().map(|figures| client_cost(case, figures));
            let cost = middle(&|f| client_cost(case, f));
            writeln!(
                out,
                "| {} (a {unit}) | {} | {} | {}-{} | {} | {} | {:.0} % | {:.0} % | {:.0} | {:.0} | {} | {} |",
                case.title,
                client.name,
                figure(cost),
                figure(costs.clone().fold(f64::INFINITY, f64::min)),
                figure(costs.fold(0.0, f64::max)),
                thousands(1e6 / cost),
                times(client_rate(case, samples, client.name)),
                100.0 * middle(&|f| f.client_busy),
                100.0 * middle(&|f| f.server_busy),
                middle(&|f| f.p50_us),
                middle(&|f| f.p99_us),
                rounds.iter().map(|f| f.calls).sum::<u64>(),
                rounds.iter().map(|f| f.errors).sum::<u64>(),
            )?;
        }
    }
    let mut errors: Vec<String> = samples
        .iter()
        .filter_map(|s| Some(format!("{} of {}: {}", s.case, s.client, s.figures.first_error.as_ref()?)))
        .collect();
    errors.sort_unstable();
    errors.dedup();
    if !errors.is_empty() {
        writeln!(out, "\nWhat went wrong: {}.", errors.join("; "))?;
    }
    if !counts.is_empty() {
        writeln!(
            out,
            "\nIts instructions in user space, counted as below for the servers: a unary call (8 connections x 16 calls), and a \
             ListFeatures with 100 features (4 x 4).\n\n| client | a unary call | a list of 100 |\n|---|---:|---:|"
        )?;
        for ClientCount { client, per_call, per_list } in counts {
            writeln!(out, "| {client} | {per_call:.0} | {per_list:.0} |")?;
        }
    }
    Ok(())
}

fn instructions(out: &mut String, counts: &[Count]) -> Result<()> {
    writeln!(
        out,
        "\n## Instructions a unary call\n\nIn user space, counted by callgrind for two numbers of calls (8 connections x 16 calls); the \
         difference of the totals over the difference of the numbers. No other program on the machine can disturb it.\n"
    )?;
    writeln!(out, "| server | instructions | x floor |\n|---|---:|---:|")?;
    let floor = counts.iter().find(|c| c.server == FLOOR).map_or(f64::NAN, |c| c.per_call);
    for Count { server, per_call } in counts {
        writeln!(out, "| {server} | {per_call:.0} | {:.2} |", per_call / floor)?;
    }
    Ok(())
}

fn detail(out: &mut String, case: &Case, samples: &[Sample]) -> Result<()> {
    let unit = if case.per_message { "message" } else { "call" };
    writeln!(out, "\n## {}\n", case.title)?;
    writeln!(
        out,
        "| server | CPU us a {unit} | least-most | x floor | x tonic | {unit}s/s | server busy | p50 us | p99 us | right calls | wrong calls |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")?;
    for server in servers(samples) {
        let rounds = of(samples, case.name, server);
        let middle = |value: fn(&Figures) -> f64| median(&rounds.iter().map(|s| value(&s.figures)).collect::<Vec<_>>());
        let costs = costs(case, samples, server);
        let spread = |pick: fn(f64, f64) -> f64| costs.iter().copied().reduce(pick).map_or("-".to_owned(), figure);
        let rate = if case.per_message {
            middle(|f| f.messages_per_s.unwrap_or(0.0))
        } else {
            middle(|f| f.calls_per_s.unwrap_or(0.0))
        };
        writeln!(
            out,
            "| {server} | {} | {}-{} | {} | {} | {} | {:.0} % | {:.0} | {:.0} | {} | {} |",
            if costs.is_empty() { "-".into() } else { figure(median(&costs)) },
            spread(f64::min),
            spread(f64::max),
            times(ratio(case, samples, server, FLOOR)),
            times(against_tonic(case, samples, server)),
            thousands(rate),
            100.0 * middle(|f| f.server_busy.unwrap_or(0.0)),
            middle(|f| f.p50_us),
            middle(|f| f.p99_us),
            rounds.iter().map(|s| s.figures.calls).sum::<u64>(),
            rounds.iter().map(|s| s.figures.errors).sum::<u64>(),
        )?;
    }
    let mut errors: Vec<String> = samples
        .iter()
        .filter(|s| s.case == case.name)
        .filter_map(|s| Some(format!("{}: {}", s.server, s.figures.first_error.as_ref()?)))
        .collect();
    errors.sort_unstable();
    errors.dedup();
    if !errors.is_empty() {
        writeln!(out, "\nWhat went wrong: {}.", errors.join("; "))?;
    }
    Ok(())
}

fn peaks(out: &mut String, samples: &[Sample]) -> Result<()> {
    writeln!(
        out,
        "\n## Memory\n\nThe most a server held in the cases above, in MiB.\n\n| server | databases of 100 | database of 100,000 |\n|---|---:|---:|"
    )?;
    for server in servers(samples) {
        let peak = |features: usize| {
            let cases = CASES.iter().filter(|case| case.features == features);
            let peaks = cases.flat_map(|case| of(samples, case.name, server)).map(|s| s.figures.rss_peak);
            peaks.max().unwrap_or(0) as f64 / 1024.0 / 1024.0
        };
        writeln!(out, "| {server} | {:.1} | {:.1} |", peak(100), peak(100_000))?;
    }
    Ok(())
}

fn growth(places: &Places, out: &mut String, scale: &Scale) -> Result<()> {
    if let Some(first) = scale.memory.first() {
        writeln!(out, "\nBytes at {} connections, each with one call:\n", thousands(first.connections as f64))?;
        writeln!(
            out,
            "| server | idle connection | silent RouteChat call | GetFeature call whose request is half sent |\n|---|---:|---:|---:|"
        )?;
        for m in &scale.memory {
            writeln!(out, "| {} | {:.0} | {:.0} | {:.0} |", m.server, m.per_connection, m.per_idle_stream, m.per_call)?;
        }
    }
    writeln!(
        out,
        "\n## How cost grows\n\nAll sizes and servers of a plot are measured in turns of 0.1 s, two seconds each; the figures are in CSV files beside the plots. \
         Both axes are logarithmic. A step is told where cost grows by a quarter more than the work between two neighbouring sizes."
    )?;
    for growth in &scale.growths {
        let path = places.docs.join("performance").join(&growth.name);
        std::fs::write(path.with_extension("svg"), plot::svg(growth))?;
        let mut csv = String::from("server,x,y,errors,start_s,rss_peak\n");
        for p in &growth.points {
            writeln!(csv, "{},{},{:.4},{},{:.2},{}", p.server, p.x, p.y, p.errors, p.start_s, p.rss_peak)?;
        }
        std::fs::write(path.with_extension("csv"), csv)?;
        writeln!(out, "\n![{}](performance/{}.svg)", growth.title, growth.name)?;
        let of_ours = |server: &str| [FLOOR, OURS].contains(&server);
        let steps: Vec<_> = growth.steps().into_iter().filter(|step| of_ours(step.server)).collect();
        if !steps.is_empty() {
            writeln!(out, "\nSteps of the floor and of ours:\n")?;
        }
        for Step { server, from, to, excess } in steps {
            writeln!(
                out,
                "- {server}, {} to {} {}: {} to {} {}, {excess:.2} times what the work grows by.",
                thousands(from.x),
                thousands(to.x),
                growth.x,
                figure(from.y),
                figure(to.y),
                growth.y,
            )?;
        }
    }
    databases(out, scale)
}

/// What a database of each size needs: time to load it, and memory.
fn databases(out: &mut String, scale: &Scale) -> Result<()> {
    let Some(growth) = scale.growths.iter().find(|growth| growth.name == "lookup") else { return Ok(()) };
    writeln!(
        out,
        "\nDatabases, read from JSON in the format of the tutorials: seconds until the server listens, and the most memory it held, in MiB.\n\n\
         | server | features | seconds | MiB |\n|---|---:|---:|---:|"
    )?;
    for p in &growth.points {
        let mebibytes = p.rss_peak as f64 / 1024.0 / 1024.0;
        writeln!(out, "| {} | {} | {:.2} | {mebibytes:.0} |", p.server, thousands(p.x), p.start_s)?;
    }
    Ok(())
}

/// Three significant digits.
fn figure(value: f64) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 1.0 => format!("{v:.2}"),
        v if v >= 0.1 => format!("{v:.3}"),
        v => format!("{v:.4}"),
    }
}
