//! `docs/illustrated/index.html`: "The Illustrated gRPC Connection", a page made of golden transcripts.
//!
//! `UPDATE_GOLDEN=1 cargo test --test illustrated` writes it anew.

use std::path::{Path, PathBuf};
use std::{env, fs};

use h2grpc::route_guide::FILE_DESCRIPTOR_SET;
use h2grpc::transcript::html::{Chapter, HtmlOptions, book};
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Recorded, Transcript};
use h2grpc::wire::rules;

/// A chapter: a file of tests/golden, and the rules that it is about. Its title and story are the comment lines at the
/// head of the file.
struct Source {
    golden: &'static str,
    rules: &'static [&'static str],
}

/// A first call, and ten stories of what goes wrong.
const CHAPTERS: [Source; 11] = [
    Source { golden: "get-feature", rules: &["grpc.request-shape", "grpc.response-shape", "hpack.dynamic-table"] },
    Source { golden: "trailers-only", rules: &["grpc.trailers-only", "grpc.status-always"] },
    Source { golden: "message-in-many-frames", rules: &["grpc.data-boundaries", "grpc.length-prefix"] },
    Source { golden: "flow-control", rules: &["h2.window-of-stream", "h2.only-data-flows", "h2.window-begins"] },
    Source { golden: "half-close-by-empty-data", rules: &["grpc.request-end", "grpc.empty-data-end"] },
    Source { golden: "deadline", rules: &["grpc.timeout", "code.case-deadline-passed"] },
    Source { golden: "compressed-without-encoding", rules: &["grpc.compressed-flag", "grpc.flag-needs-encoding"] },
    Source { golden: "binary-metadata", rules: &["grpc.binary-base64", "grpc.binary-unpadded", "grpc.binary-commas"] },
    Source { golden: "proxy-error", rules: &["status.http-503", "status.clients-only"] },
    Source { golden: "goaway", rules: &["grpc.goaway", "h2.goaway-twice", "h2.goaway-unprocessed"] },
    Source { golden: "too-many-pings", rules: &["keepalive.too-many-pings", "grpc.goaway-accepted-streams"] },
];

#[test]
fn the_book_is_made_of_the_golden_transcripts() {
    let path = root().join("docs/illustrated/index.html");
    let now = the_book();
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &now).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == now,
        "{} is not what it is made of: UPDATE_GOLDEN=1 cargo test --test illustrated",
        path.display()
    );
}

#[test]
fn each_rule_of_a_chapter_is_in_the_table() {
    for id in CHAPTERS.iter().flat_map(|chapter| chapter.rules) {
        assert!(rules::find(id).is_some(), "{id}");
    }
}

fn the_book() -> String {
    let types = Types::decode(FILE_DESCRIPTOR_SET).unwrap();
    let told: Vec<Told> = CHAPTERS.iter().map(|source| Told::read(source, &types)).collect();
    let chapters: Vec<Chapter<'_>> = told.iter().map(Told::chapter).collect();
    let options = HtmlOptions { title: "The Illustrated gRPC Connection".into(), ..HtmlOptions::default() };
    book(&chapters, &options)
}

struct Told {
    title: String,
    story: String,
    rules: &'static [&'static str],
    transcript: Transcript,
}

impl Told {
    fn read(source: &Source, types: &Types) -> Self {
        let path = root().join("tests/golden").join(format!("{}.txt", source.golden));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let comments: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix('#')).map(str::trim).collect();
        let (title, story) = comments.split_first().unwrap_or_else(|| panic!("{} has no title", path.display()));
        let recorded = Recorded::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let transcript = Transcript::read(&recorded, types);
        Told { title: (*title).to_owned(), story: story.join("\n"), rules: source.rules, transcript }
    }

    fn chapter(&self) -> Chapter<'_> {
        Chapter { title: &self.title, story: &self.story, rules: self.rules, transcript: &self.transcript }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
