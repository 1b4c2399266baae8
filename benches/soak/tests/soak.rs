//! A few seconds of each load, so that it works when somebody wants hours of it.

use std::process::{Command, Output};

fn soak(arguments: &str) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_soak")).args(arguments.split(' ')).output().expect("it starts");
    println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn a_crowd_of_idle_and_active_connections_is_served() {
    assert!(soak("crowd --idle 300 --active 30 --rest 1 --seconds 1").status.success());
}

#[test]
fn mixed_clients_with_faults_are_served_and_leave_nothing() {
    assert!(soak("mixed --seconds 6 --every 1 --clients 20").status.success());
}

#[test]
fn the_counters_of_both_sides_agree_over_calls_with_faults_and_drains() {
    assert!(soak("count --calls 5000 --server-lives 100").status.success());
}

#[test]
fn taps_tell_every_call_of_many_connections() {
    let product = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--bin", "tap", "--target-dir", "target"]).current_dir(product);
    assert!(build.status().expect("cargo starts").success());
    let tap = format!("{product}/target/debug/tap");
    assert!(soak(&format!("tap --tap {tap} --minutes 0.1 --every 0.5 --connections 20")).status.success());
}
