//! Our own stack breaks no rule of the wire, and the checker finds those that others break: over all golden transcripts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use h2grpc::route_guide::FILE_DESCRIPTOR_SET;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Checker, Recorded, Transcript};
use h2grpc::wire::rules;

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
