//! Our own stack breaks no rule of the wire, and the checker finds those that others break: over all golden transcripts.
//! The connections of other tests are judged as they are used, which ends the test program at a breach.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use h2grpc::route_guide::{FILE_DESCRIPTOR_SET, Features, Guide, Point, RouteGuide, RouteGuideClient};
use h2grpc::server::Server;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Checker, Recorded, Transcript};
use h2grpc::wire::rules;
use tokio::io::AsyncWriteExt;

use common::raw::{PING, PREFACE, SETTINGS, bytes_of};
use common::{Running, checked, pipes};

/// The transcripts in which a side breaks a rule on purpose, and the rules.
const BROKEN: [(&str, &[&str]); 8] = [
    ("compressed-without-encoding.txt", &["compression.flag-needs-encoding"]),
    ("http-errors.txt", &["grpc.status-always"]),
    ("http1-server.txt", &["h2.client-preface"]),
    ("not-grpc.txt", &["grpc.content-type", "grpc.te-trailers"]),
    ("protocol-errors.txt", &["h2.content-length", "h2.rst-stream-on-idle"]),
    ("refused-stream.txt", &["h2.setting-max-concurrent-streams"]),
    ("status-codes.txt", &["grpc.status-digits"]),
    ("tls-client.txt", &["h2.client-preface"]),
];

#[test]
fn golden_transcripts_break_the_rules_that_they_are_about_and_no_others() {
    let types = Types::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut read = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        read += 1;
        let recorded = Recorded::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        let transcript = Transcript::read(&recorded, &types);
        let mut checker = Checker::new(recorded.late);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for verdict in transcript.events.iter().flat_map(|event| checker.check(event)) {
            assert!(rules::find(verdict.rule).is_some(), "{} is no rule", verdict.rule);
            found.entry(name.clone()).or_default().insert(verdict.rule);
        }
    }
    assert!(read >= 24, "{read} transcripts");
    let expected: BTreeMap<String, BTreeSet<&str>> =
        BROKEN.iter().map(|(name, rules)| ((*name).to_owned(), rules.iter().copied().collect())).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_both_sides_send_is_judged_over_tcp_over_pipes_and_between_programs() {
    let guide = || Server::new().add(Guide::new(Features::embedded()).into_service());
    let running = Running::start(guide());
    let for_ours = Running::route_guide_for_ours(Features::embedded());
    let (over_pipes, _dials) = pipes::channel_to(guide());
    let of_nobody = || h2grpc::client::Channel::new(for_ours.address.to_string().parse().unwrap());
    for (way, channel) in [("TCP", running.channel()), ("pipes", over_pipes), ("programs", of_nobody())] {
        let before = checked::frames_judged();
        RouteGuideClient::new(channel).get_feature(Point::default()).await.unwrap();
        let after = checked::frames_judged();
        // SETTINGS, its acknowledgement, HEADERS and DATA are what a call has at least.
        assert!((0..2).all(|side| after[side] >= before[side] + 4), "over {way}: {before:?}, then {after:?}");
    }
}

/// Tells the test below, run by itself, which side breaks a rule.
const BREACH: &str = "H2GRPC_TEST_BREACH";

#[tokio::test]
async fn a_breach_by_our_own_side_ends_the_test_program_and_one_by_the_peer_does_not() {
    if let Ok(side) = std::env::var(BREACH) {
        return breach(&side).await;
    }
    for (side, fails) in [("client", true), ("server", true), ("peer", false)] {
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args(["--exact", "a_breach_by_our_own_side_ends_the_test_program_and_one_by_the_peer_does_not"]);
        let output = test.env(BREACH, side).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(!output.status.success(), fails, "{side}: {errors}");
        assert_eq!(errors.contains("our own side breaks the rule h2.ping: "), fails, "{side}: {errors}");
    }
}

/// A side says the right beginning, and then a PING of seven bytes.
async fn breach(side: &str) {
    let (near, far) = tokio::io::duplex(1024);
    let preface = if side == "server" { &[][..] } else { PREFACE };
    let said = [preface, &bytes_of(SETTINGS, 0, 0, b""), &bytes_of(PING, 0, 0, &[0; 7])].concat();
    match side {
        "client" => Box::pin(checked::client(near)).write_all(&said).await.unwrap(),
        "server" => Box::pin(checked::server(near)).write_all(&said).await.unwrap(),
        _ => {
            let (mut near, mut far) = (near, Box::pin(checked::server(far)));
            near.write_all(&said).await.unwrap();
            drop(near);
            tokio::io::copy(&mut far, &mut tokio::io::sink()).await.unwrap();
        }
    }
}
