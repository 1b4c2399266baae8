//! Pages of transcripts in a browser: the book, a page of 10,000 frames, and pages of odd recordings, in a headless
//! Chromium.
//!
//! The trials set up what they need themselves, below Cargo's target directory: Playwright as the browser's driver, and
//! axe-core, which judges whether a page can be used by everybody. Chromium comes from the system (Debian's package
//! `chromium`; CHROMIUM names another). Where Node or Chromium is missing, or the packages cannot be installed, the
//! trials are reported as ignored with the reason; with `CI=true` in the environment they fail with it instead.
//!
//! `UPDATE_SCREENSHOTS=1 cargo test --test page screenshots` writes the pictures in docs/screenshots.

use std::path::{Path, PathBuf};
use std::process::{self as system, Command, ExitCode};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;
use std::{env, fs};

use h2grpc::route_guide::FILE_DESCRIPTOR_SET;
use h2grpc::transcript::html::HtmlOptions;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Direction, Recorded, Transcript};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

#[allow(dead_code)]
#[path = "interop/peers.rs"]
mod peers;
#[allow(dead_code)]
#[path = "interop/process.rs"]
mod process;

use peers::Peer;

/// How long a trial may take: on a machine that does much else, a browser is slow.
const TIME: Duration = Duration::from_secs(300);

/// The book, which another test holds to be made of the golden transcripts.
const BOOK: &str = "docs/illustrated/index.html";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let pages = Arc::new(Pages::new());
    let with = |name: &'static str, check: &'static str, files: fn(&Pages) -> Vec<PathBuf>| {
        let pages = pages.clone();
        Trial::ignorable_test(name, move || trial(check, || files(&pages)))
    };
    let trials = vec![
        with("every_arrow_can_be_clicked", "mouse", |_| vec![source(BOOK)]),
        with("every_arrow_can_be_reached_by_keys", "keys", |_| vec![source(BOOK)]),
        with("tab_reaches_every_part", "tab", |_| vec![source(BOOK)]),
        with("tree_and_hex_select_each_other", "selection", |_| vec![source(BOOK)]),
        with("addresses_and_links_lead_to_spans", "links", |_| vec![source(BOOK)]),
        with("search_finds_names_values_and_hex", "search", |_| vec![source(BOOK)]),
        with("frames_are_filtered_grouped_and_printed", "views", |pages| vec![source(BOOK), pages.many()]),
        with("odd_recordings_make_pages", "odd", Pages::odd),
        with("axe_finds_nothing_serious", "axe", |_| vec![source(BOOK)]),
        with("ten_thousand_frames_scroll_without_a_long_task", "fluid", |pages| vec![source(BOOK), pages.many()]),
        with("screenshots", "screenshots", |pages| vec![source(BOOK), pages.screenshots()]),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Runs a trial of `tests/page/check.mjs` with these files.
fn trial(check: &str, files: impl FnOnce() -> Vec<PathBuf>) -> Result<Completion, Failed> {
    let (node, chromium) = match needed() {
        Ok(needed) => needed,
        Err(reason) if env::var_os("CI").is_some_and(|ci| ci == "true") => return Err(Failed::from(reason)),
        Err(reason) => return Ok(Completion::ignored_with(reason)),
    };
    let mut command = node.script(&source("tests/page/check.mjs"));
    let output = process::run(command.arg(check).arg(chromium).args(files()), TIME)?;
    if output.succeeded() { Ok(Completion::Completed) } else { Err(Failed::from(output.to_string())) }
}

/// Node with the packages, and Chromium.
fn needed() -> Result<(&'static Peer, &'static Path), String> {
    static NEEDED: LazyLock<Result<(Peer, PathBuf), String>> =
        LazyLock::new(|| Ok((peers::node_with("page", "tests/page")?, chromium()?)));
    NEEDED.as_ref().map(|(node, chromium)| (node, &**chromium)).map_err(String::clone)
}

fn chromium() -> Result<PathBuf, String> {
    const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    if let Some(named) = env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let mut places = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = places.find(|place| {
        place.is_file()
            && process::run(Command::new(place).arg("--version"), TIME).is_ok_and(|output| output.succeeded())
    });
    found.ok_or_else(|| "Chromium is needed: apt-get install chromium, or CHROMIUM=PATH".into())
}

/// Pages that are written for the trials, and removed after them.
struct Pages {
    folder: PathBuf,
    types: Types,
    many: OnceLock<PathBuf>,
}

impl Pages {
    fn new() -> Self {
        let folder = peers::directory().join(format!("pages-{}", system::id()));
        fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("cannot create {}: {error}", folder.display()));
        Pages { folder, types: Types::decode(FILE_DESCRIPTOR_SET).unwrap(), many: OnceLock::new() }
    }

    fn page(&self, name: &str, recorded: &Recorded) -> PathBuf {
        let path = self.folder.join(format!("{name}.html"));
        let transcript = Transcript::read(recorded, &self.types);
        let page = transcript.to_html(&HtmlOptions { title: name.into(), ..HtmlOptions::default() });
        fs::write(&path, page).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        path
    }

    /// A page of 10,000 frames.
    fn many(&self) -> PathBuf {
        self.many.get_or_init(|| self.page("many", &many())).clone()
    }

    /// Empty, torn, foreign, and what golden transcripts have that is odd.
    fn odd(&self) -> Vec<PathBuf> {
        let golden =
            ["http1-server", "tls-client", "late-recording", "not-grpc", "continuation", "padding", "compressed"];
        let raw: [(&str, &[u8]); 3] =
            [("empty", b""), ("torn", b"PRI * HTT"), ("unknown", b"\x00\x01\x02\x03 and something else")];
        let mut pages = Vec::new();
        for name in golden {
            let path = source("tests/golden").join(format!("{name}.txt"));
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            pages.push(self.page(name, &Recorded::parse(&text).unwrap()));
        }
        for (name, bytes) in raw {
            for late in [false, true] {
                let mut recorded = Recorded { late, ..Recorded::default() };
                recorded.push(Direction::ToClient, bytes);
                pages.push(self.page(&format!("{name}{}", if late { "-late" } else { "" }), &recorded));
            }
        }
        pages
    }

    /// Where pictures go: to the documentation if they are wanted, else to nowhere.
    fn screenshots(&self) -> PathBuf {
        match env::var_os("UPDATE_SCREENSHOTS") {
            Some(_) => source("docs/screenshots"),
            None => self.folder.join("screenshots"),
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// 10,000 frames: many calls, and one with a body of many frames.
fn many() -> Recorded {
    let mut recorded = Recorded::default();
    recorded.push(Direction::ToServer, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    for call in 0..1500 {
        let stream = 2 * call + 1;
        let at = Duration::from_micros(u64::from(call) * 250);
        let message = [0, 0, 0, 0, 6, 8, 0x80 | call as u8, 1 + (call >> 7) as u8, 16, 0x90, 3];
        recorded.push_at(Direction::ToServer, at, &frame(1, 4, stream, HEAD));
        recorded.push_at(Direction::ToServer, at, &frame(0, 1, stream, &message));
        recorded.push_at(Direction::ToClient, at, &frame(1, 4, stream, b"\x88\x5f\x10application/grpc"));
        recorded.push_at(Direction::ToClient, at, &frame(0, 0, stream, &message));
        recorded.push_at(Direction::ToClient, at, &frame(1, 5, stream, b"\x00\x0bgrpc-status\x010"));
    }
    recorded.push(Direction::ToServer, &frame(1, 4, 9001, HEAD));
    for _ in 0..2600 {
        recorded.push(Direction::ToServer, &frame(0, 0, 9001, &[0, 0, 0, 0, 2, 8, 7]));
    }
    recorded
}

/// A request head: 83 POST, 86 http, 44 the path, 5f the content type.
const HEAD: &[u8] = b"\x83\x86\x44\x16/RouteGuide/GetFeature\x5f\x10application/grpc";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A file of this package.
fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
