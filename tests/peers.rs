//! docs/peers.md and its transcripts say the same: they read back, their verdicts are those of the checker, and each place
//! that the document names is a frame of its transcript.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use h2grpc::route_guide::FILE_DESCRIPTOR_SET;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Checker, Print, Recorded, Transcript};

/// A transcript's text and what it says.
struct Peer {
    text: String,
    recorded: Recorded,
    transcript: Transcript,
}

fn docs(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(path)
}

fn document() -> String {
    fs::read_to_string(docs("peers.md")).unwrap()
}

fn peers() -> BTreeMap<String, Peer> {
    let types = Types::decode(FILE_DESCRIPTOR_SET).unwrap();
    let files = fs::read_dir(docs("peers")).unwrap().map(|entry| entry.unwrap().path());
    let peer = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let recorded = Recorded::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let transcript = Transcript::read(&recorded, &types);
        (path.file_stem().unwrap().to_string_lossy().into_owned(), Peer { text, recorded, transcript })
    };
    files.map(peer).collect()
}

#[test]
fn transcripts_of_peers_read_back_to_the_same_text_and_bytes() {
    for (name, peer) in peers() {
        let mut text = String::new();
        peer.transcript.write(&Print { offsets: true, ..Print::file() }, &mut text).unwrap();
        assert!(text == peer.text, "{name}");
        assert_eq!(Recorded::from(&peer.transcript), peer.recorded, "{name}");
        let calls: Vec<Option<&str>> = peer.transcript.calls.values().map(|call| call.status.as_deref()).collect();
        assert_eq!(calls, [Some("0"), Some("0"), Some("0"), Some("0"), Some("12")], "{name}");
    }
}

#[test]
fn the_table_of_peers_names_every_transcript_and_the_rules_that_are_broken_in_it() {
    let document = document();
    let mut told = BTreeMap::new();
    for line in document.lines().filter(|line| line.starts_with("| [")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells[0].trim_start_matches('[').split(']').next().unwrap();
        let rules = cells.last().unwrap().split(", ").filter(|rule| *rule != "none").map(str::to_owned);
        told.insert(name.to_owned(), rules.collect::<BTreeSet<_>>());
    }
    let judged = |peer: &Peer| {
        let mut checker = Checker::new(false);
        let verdicts = peer.transcript.events.iter().flat_map(|event| checker.check(event));
        verdicts.map(|verdict| verdict.rule.to_owned()).collect::<BTreeSet<_>>()
    };
    let found: BTreeMap<_, _> = peers().iter().map(|(name, peer)| (name.clone(), judged(peer))).collect();
    assert_eq!(told, found);
}

#[test]
fn places_of_the_document_are_frames_of_its_transcripts() {
    let (document, peers) = (document(), peers());
    let mut places = 0;
    for place in document.split('`').skip(1).step_by(2) {
        let parts: Vec<&str> = place.split(' ').collect();
        let [name, arrow @ ("->" | "<-"), offset, kind] = parts[..] else { continue };
        // The example of how places are told is one, too.
        let Some(peer) = peers.get(name) else { continue };
        let line = format!("{arrow} [{offset}] {kind} ");
        assert!(peer.text.lines().any(|found| found.starts_with(&line)), "{place}: no line begins with {line:?}");
        places += 1;
    }
    assert!(places >= 30, "{places} places");
}
