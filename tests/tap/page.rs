//! The page that a tap writes at its end.

use super::{Folder, PROTO, Tap, call_with, run, server, tour};

fn page(file: &str) -> String {
    let page = std::fs::read_to_string(file).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"), "{file}");
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_tap_writes_a_page_of_all_connections_without_secrets() {
    let (server, folder) = (server(), Folder::new());
    for secrets in [false, true] {
        let file = folder.write("page.html", "an older page, which is longer than nothing");
        let arguments = ["--connections", "2", "--proto", PROTO, "--html", &file];
        let tap =
            Tap::start(server.address, &[&arguments[..], if secrets { &["--show-secrets"] } else { &[] }].concat());
        tour(&tap.client()).await;
        call_with(&tap.client(), "authorization", "Bearer-of-the-page").await;
        let output = tap.ended();
        assert!(output.succeeded(), "{output}");
        let page = page(&file);
        for expected in ["Connection 1, from 127.0.0.1:", "Connection 2, from 127.0.0.1:", "/RouteChat", "latitude"] {
            assert!(page.contains(expected), "{expected}");
        }
        assert_eq!(page.contains("Bearer-of-the-page"), secrets);
        assert!(!page.contains("an older page") && page.ends_with("</html>\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_bounded_and_what_is_left_out_is_told() {
    let (server, folder) = (server(), Folder::new());
    let file = folder.path("page.html");
    let arguments = ["--connections", "2", "--html-limit", "1", "--html", &file];
    let tap = Tap::start(server.address, &arguments);
    let (mut notes, answers) = tap.client().route_chat().await.unwrap();
    for _ in 0..3 {
        let note = h2grpc::route_guide::RouteNote { location: None, message: "x".repeat(1 << 20) };
        notes.send(&note).await.unwrap();
    }
    notes.finish().await.unwrap();
    drop(answers);
    tour(&tap.client()).await;
    let output = tap.ended();
    assert!(output.succeeded(), "{output}");
    let told = output.stderr.lines().last().unwrap();
    assert!(told.starts_with(&format!("not in {file}: ")) && told.ends_with(" and 1 further connections"), "{told}");
    assert!(!page(&file).contains("Connection 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_becomes_a_page() {
    let folder = Folder::new();
    let recorded = super::captures::recorded().await;
    let capture = folder.write("a.pcap", super::captures::pcap(&super::captures::wire(&recorded).packets));
    let file = folder.path("page.html");
    let read = run(&["read", &capture, "--proto", PROTO, "--html", &file]);
    assert!(read.succeeded(), "{read}");
    assert!(page(&file).contains("Connection 1, from 10.0.0.1:40000 to 10.0.0.2:50051"));
}

#[test]
fn a_page_that_cannot_be_written_is_refused_at_the_start() {
    let folder = Folder::new();
    let saved = folder.write("saved.txt", "h2grpc transcript 1\n-> [0.000000]\n    50 52 49\n");
    let missing = folder.path("no-such-folder/page.html");
    let live = ["--listen", "127.0.0.1:0", "--to", "1", "--html"];
    for (arguments, why) in [
        ([&live[..], &[&missing]].concat(), "cannot write "),
        ([&live[..], &[&saved, "--save", &saved]].concat(), "would replace another file of this command"),
        (vec!["read", &saved, "--html", &saved], "would replace another file of this command"),
        (vec!["show", &saved, "--html", &saved], "would replace another file of this command"),
        (vec!["show", &saved, "--html", &missing], "cannot write "),
    ] {
        let output = run(&arguments);
        assert_eq!(output.code(), Some(2), "{output}");
        assert!(output.stderr.contains(why) && output.stderr.lines().count() == 1, "{output}");
        assert_eq!(output.stdout, "", "{output}");
    }
}
