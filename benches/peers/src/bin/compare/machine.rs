//! What the figures were taken on and with.

use std::process::Command;

use crate::servers::Server;
use crate::{Args, Places};

/// Names and values, in the order of the document.
pub fn describe(places: &Places, servers: &[Server], args: &Args) -> Vec<(String, String)> {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let mut facts = vec![
        ("date".to_owned(), said("date", &["-u", "+%Y-%m-%d"])),
        ("processor".to_owned(), format!("{cores} x {}", processor())),
        ("memory".to_owned(), format!("{:.0} GiB", memory_kib() / 1024.0 / 1024.0)),
        ("kernel".to_owned(), said("uname", &["-sr"])),
        ("rustc".to_owned(), said("rustc", &["--version"])),
        ("profile".to_owned(), "release, lto = \"fat\", codegen-units = 1, for every Rust server".to_owned()),
    ];
    for package in ["h2", "tokio", "tonic", "prost"] {
        facts.push((package.to_owned(), locked(places, package)));
    }
    for server in servers {
        let version = match server.name {
            "grpc-go" => format!("{}, {}", debian("golang-google-grpc-dev"), said("go", &["version"])),
            "grpc-c++" => format!("{}, {}", debian("libgrpc++-dev"), first_line(&said("g++", &["--version"]))),
            "grpcio" => said(
                &places.work.join("python/venv/bin/python").display().to_string(),
                &["-c", "import grpc; print(grpc.__version__)"],
            ),
            "h2grpc" => said("git", &["-C", &places.product.display().to_string(), "describe", "--always", "--dirty"]),
            _ => continue,
        };
        facts.push((server.name.to_owned(), version));
    }
    let rounds = format!("{} rounds of {} s", args.rounds, args.seconds);
    facts.push(("measured".to_owned(), rounds));
    facts
}

/// What a program prints.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or("unknown".into(), |o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn debian(package: &str) -> String {
    format!("{package} {}", said("dpkg-query", &["-W", "-f", "${Version}", package]))
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("unknown".into(), |(_, name)| name.to_owned())
}

fn memory_kib() -> f64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
    total.and_then(|kib| kib.parse().ok()).unwrap_or(0.0)
}

/// A package's version in this crate's Cargo.lock.
fn locked(places: &Places, package: &str) -> String {
    let text = std::fs::read_to_string(places.peers.join("Cargo.lock")).unwrap_or_default();
    let name = format!("name = \"{package}\"");
    let mut lines = text.lines().skip_while(|line| *line != name);
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = "));
    version.unwrap_or("unknown").trim_matches('"').to_owned()
}
