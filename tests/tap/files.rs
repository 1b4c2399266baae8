//! Saved transcripts: shown again, compared, and sent to a server once more.

use h2grpc::route_guide::RouteGuideClient;

use super::common::Running;
use super::{Folder, PROTO, TRAIL, Tap, call_with, events, run, server, tour};

/// Saves what a client does with a server.
async fn save<F: Future<Output = ()>>(server: &Running, file: &str, calls: impl FnOnce(RouteGuideClient) -> F) {
    let tap = Tap::start(server.address, &["--connections", "1", "--save", file]);
    calls(tap.client()).await;
    assert!(tap.ended().succeeded());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_is_shown_as_it_was_when_it_passed() {
    let (server, folder) = (server(), Folder::new());
    let file = folder.path("saved.txt");
    let tap = Tap::start(server.address, &["--connections", "1", "--save", &file, "--proto", PROTO, "--bytes"]);
    tour(&tap.client()).await;
    let live = tap.ended().stdout;
    let shown = run(&["show", &file, "--proto", PROTO, "--bytes"]);
    assert!(shown.succeeded(), "{shown}");
    let lines = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains(" connection ")).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    for (shown, live) in lines(&shown.stdout).iter().zip(lines(&live)) {
        assert_eq!(*shown, live);
    }
    assert_eq!(lines(&shown.stdout).len(), lines(&live).len());
    let page = folder.path("saved.html");
    assert!(run(&["show", &file, "--proto", PROTO, "--html", &page]).succeeded());
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("/routeguide.RouteGuide/RouteChat"));
    let filtered = run(&["show", &file, "--json", "--filter", "method=RouteChat", "--check"]);
    assert_eq!(events(&filtered.stdout, "call").len(), 1);
    assert_eq!(
        events(&filtered.stdout, "call_end")[0]["messages"],
        serde_json::json!({"to_server": 5, "to_client": 2})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn show_reads_standard_input_too() {
    let text = "h2grpc transcript 1\n-> [0.000000]\n    50 52 49\n";
    let mut command = super::command(&["show", "-"]);
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, text.as_bytes()).unwrap();
    drop(writer);
    let output = command.stdin(reader).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("3 bytes from byte 0 on: the direction ends inside a frame"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_tells_calls_apart_by_what_they_mean() {
    let (server, folder) = (server(), Folder::new());
    let [first, second, third] = ["first", "second", "third"].map(|name| folder.path(name));
    let point = |latitude| h2grpc::route_guide::Point { latitude, longitude: TRAIL.longitude };
    let calls = |latitude| {
        async move |client: RouteGuideClient| {
            client.get_feature(TRAIL).await.unwrap();
            client.get_feature(point(latitude)).await.unwrap();
        }
    };
    save(&server, &first, calls(5)).await;
    // The order of calls to other methods makes no difference.
    save(&server, &second, calls(5)).await;
    save(&server, &third, calls(6)).await;
    let ignore = ["--ignore", ":authority", "--ignore", "date", "--proto", PROTO];
    let same = run(&[&["diff", &first, &second], &ignore[..]].concat());
    assert_eq!((same.code(), &same.stdout[..]), (Some(0), "2 calls: no difference\n"), "{same}");
    let other = run(&[&["diff", &first, &third], &ignore[..]].concat());
    assert_eq!(other.code(), Some(1), "{other}");
    let expected = "call 2 to \"/routeguide.RouteGuide/GetFeature\": request message 1 differs\n  \
        - {latitude: 5, longitude: -746188906}\n  + {latitude: 6, longitude: -746188906}\n";
    assert!(other.stdout.starts_with(expected), "{other}");
    assert!(other.stdout.ends_with("2 calls: 2 differences\n"), "{other}");
    let authority = run(&["diff", &first, &second]);
    assert!(
        authority.stdout.contains("request head :authority differs"),
        "only what is ignored may differ: {authority}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_sends_a_recorded_client_to_a_server_and_compares_the_answers() {
    let (server, folder) = (server(), Folder::new());
    let file = folder.path("saved.txt");
    save(&server, &file, async |client: RouteGuideClient| {
        tour(&client).await;
        call_with(&client, "authorization", "Bearer letmein").await;
        client.named("elsewhere.Guide").get_feature(TRAIL).await.unwrap_err();
    })
    .await;
    let to = server.address.to_string();
    let same = run(&["replay", &file, "--to", &to]);
    assert_eq!((same.code(), &same.stdout[..]), (Some(0), "7 calls: no difference\n"), "{same}");
    assert!(same.stderr.contains("credentials or cookies were hidden"), "{same}");

    // A server that knows no features answers otherwise.
    let empty = Running::route_guide(h2grpc::route_guide::Features::from_entries::<String>([]));
    let to = empty.address.to_string();
    let other = run(&["replay", &file, "--to", &to, "--proto", PROTO]);
    assert_eq!(other.code(), Some(1), "{other}");
    let expected = "call 1 to \"/routeguide.RouteGuide/GetFeature\": response message 1 differs\n  \
        - {name: \"Berkshire Valley Management Area Trail, Jefferson, NJ, USA\", location: {latitude: 409146138, \
        longitude: -746188906}}\n  + {location: {latitude: 409146138, longitude: -746188906}}\n";
    assert!(other.stdout.starts_with(expected), "{other}");
    assert!(!other.stdout.contains("RouteChat"), "{other}");

    let chat = run(&["show", &file, "--json", "--filter", "method=RouteChat"]);
    let stream = events(&chat.stdout, "call")[0]["stream"].to_string();
    let one = run(&["replay", &file, "--to", &to, "--stream", &stream]);
    assert_eq!((one.code(), &one.stdout[..]), (Some(0), "1 call: no difference\n"), "{one}");
    let none = run(&["replay", &file, "--to", &to, "--stream", "99"]);
    assert_eq!(none.code(), Some(2), "{none}");
    assert!(none.stderr.contains("has no call on stream 99; its calls are on 1, 3, 5"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_waits_no_longer_than_it_is_told() {
    let (server, folder) = (server(), Folder::new());
    let file = folder.path("saved.txt");
    save(&server, &file, async |client: RouteGuideClient| {
        client.get_feature(TRAIL).await.unwrap();
    })
    .await;
    // Somebody who takes everything and says nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap().to_string();
    let silent = run(&["replay", &file, "--to", &to, "--patience", "0.2"]);
    assert_eq!(silent.code(), Some(1), "{silent}");
    assert!(silent.stdout.contains("response message 1 differs"), "{silent}");
    drop(listener);
    let nobody = run(&["replay", &file, "--to", &to]);
    assert_eq!(nobody.code(), Some(2), "{nobody}");
    assert!(nobody.stderr.contains("is it started, and is --to right?"), "{nobody}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_as_wide_as_the_terminal_and_as_colourful_as_is_wanted() {
    let (server, folder) = (server(), Folder::new());
    let file = folder.path("saved.txt");
    save(&server, &file, async |client: RouteGuideClient| tour(&client).await).await;
    let shown = |environment: &[(&str, &str)], bytes: &[&str]| {
        let mut command = super::command(&[&["show", &file][..], bytes].concat());
        command.envs(environment.iter().copied());
        super::process::run(&mut command, super::PATIENCE).unwrap().stdout
    };
    let longest = |text: &str| text.lines().map(|line| line.chars().count()).max();
    assert!(longest(&shown(&[], &[])) > Some(100), "a pipe has room for everything");
    assert_eq!(longest(&shown(&[("COLUMNS", "60")], &[])), Some(60));
    assert!(longest(&shown(&[("COLUMNS", "80")], &["--bytes"])) < longest(&shown(&[], &["--bytes"])));
    for (environment, colours) in [
        (&[][..], false),
        (&[("CLICOLOR_FORCE", "1")][..], true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        assert_eq!(shown(environment, &["--bytes"]).contains("\x1b["), colours, "{environment:?}");
    }
}
