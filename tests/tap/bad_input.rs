//! Bad input gets one line that says what, where and what to do.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{Folder, Tap, run, server};

/// Runs it, and returns its one line of standard error.
fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.code(), Some(2), "{output}");
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{output}");
    lines[0].to_owned()
}

#[test]
fn files_that_are_no_transcripts_are_told_with_what_they_are() {
    let folder = Folder::new();
    for (bytes, why) in [
        (&b"hello"[..], "line 1, column 1: expected \"h2grpc transcript 1\", found \"hello\""),
        (b"", "line 1, column 1: expected \"h2grpc transcript 1\", found \"\""),
        (b"\xd4\xc3\xb2\xa1\x02\0\x04\0", "is a network capture: read it with tap read "),
        (b"h2grpc \xff", "is no transcript: byte 7 is no text"),
        (b"h2grpc transcript 1\n-> \n    5 ", "line 3, column 5: expected a byte as two hexadecimal digits"),
        (b"h2grpc transcript 9\n", "version \"9\" of the format is not known"),
    ] {
        let file = folder.write("file", bytes);
        for command in [&["show", &file][..], &["diff", &file, &file], &["replay", &file, "--to", "localhost:1"]] {
            let line = refused(command);
            assert!(line.contains(why), "{line}");
        }
    }
    let missing = folder.path("missing");
    assert!(refused(&["show", &missing]).contains(&format!("cannot read {missing}: No such file")));
    let empty = folder.write("empty", "h2grpc transcript 1\n");
    assert!(refused(&["replay", &empty, "--to", "localhost:1"]).contains("no call whose beginning is known"));
    assert!(run(&["show", &empty]).succeeded());
}

#[test]
fn names_that_cannot_be_read_are_told_before_anything_is_done() {
    let folder = Folder::new();
    let wrong = folder.write("wrong.proto", "syntax = \"proto3\";\nmessage A { int32 a = ; }\n");
    let import = folder.write("import.proto", "syntax = \"proto3\";\nimport \"nowhere.proto\";\n");
    let text = folder.write("text", "no descriptors");
    let empty = folder.write("empty", "");
    let missing = folder.path("missing.proto");
    for (option, file, why) in [
        ("--proto", &wrong, "wrong.proto:2:23"),
        ("--proto", &import, "nowhere.proto"),
        ("--proto", &missing, "there is no such file"),
        ("--descriptor-set", &text, "has no descriptors"),
        ("--descriptor-set", &empty, "it names no .proto file; make one with protoc"),
        ("--descriptor-set", &missing, "cannot read"),
    ] {
        let line = refused(&["--listen", "127.0.0.1:0", "--to", "localhost:1", option, file]);
        assert!(line.contains(why), "{line}");
    }
}

#[test]
fn wrong_arguments_say_what_was_expected() {
    for (arguments, why) in [
        (&["--listen", "0"][..], "--to <ADDRESS>"),
        (&["--listen", "x", "--to", "localhost:1"], "there is no port"),
        (&["--listen", "0", "--to", "localhost:1", "--filter", "x"], "expected KEY=PATTERN"),
        (&["--listen", "0", "--to", "localhost:1", "--save-limit", "1"], "--save <FILE>"),
        (&["--listen", "0", "--to", "localhost"], "expected HOST:PORT or PORT"),
        (&["--listen", "0", "--to", "http://localhost:1"], "a scheme has no meaning here"),
        (&["show"], "<FILE>"),
    ] {
        let output = run(arguments);
        assert_eq!(output.code(), Some(2), "{output}");
        assert!(output.stderr.contains(why), "{output}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(refused(&["--listen", &address, "--to", "localhost:1"]).contains(&format!("can't listen on {address}")));
    let save = ["--save", "/nowhere/file"];
    let line = refused(&[&["--listen", "127.0.0.1:0", "--to", "localhost:1"], &save[..]].concat());
    assert!(line.contains("cannot write /nowhere/file"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_speak_http2_is_told_in_one_line() {
    let server = server();
    for (said, expected) in [
        (
            &b"GET /x HTTP/1.1\r\nauthorization: secret\r\n\r\n"[..],
            "-> 42 bytes from byte 0 on: the client speaks HTTP/1.1 (GET /x HTTP/1.1), and gRPC needs HTTP/2 by prior knowledge",
        ),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            "-> 11 bytes from byte 0 on: the client speaks TLS: have it speak in cleartext here",
        ),
        (
            b"EHLO example\r\n",
            "-> 14 bytes from byte 0 on: the client speaks no HTTP/2, it begins with EHLO example\\r\\n: is it",
        ),
        (b"PRI * HTTP/2.0\r\n", "-> 16 bytes from byte 0 on: the direction ends inside a frame"),
    ] {
        let tap = Tap::start(server.address, &["--connections", "1"]);
        let mut client = TcpStream::connect(tap.address).await.unwrap();
        client.write_all(said).await.unwrap();
        client.shutdown().await.unwrap();
        let output = tap.ended();
        assert!(output.succeeded(), "{output}");
        let about: Vec<&str> = output.stdout.lines().filter(|line| line.contains("-> ")).collect();
        assert!(about.len() == 1 && about[0].contains(expected), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_are_passed_on_and_harm_nothing() {
    use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
    let server = server();
    let tap = Tap::start(server.address, &["--bytes", "--check"]);
    for seed in 0..20 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut bytes = super::common::raw::PREFACE.to_vec();
        for _ in 0..200 {
            let mut frame = vec![0; 9 + random.random_range(0..50)];
            random.fill_bytes(&mut frame);
            let length = frame.len() as u32 - 9;
            frame[..3].copy_from_slice(&length.to_be_bytes()[1..]);
            frame[3] %= 12;
            frame[5..8].fill(0);
            bytes.extend(frame);
        }
        let mut client = TcpStream::connect(tap.address).await.unwrap();
        let _ = client.write_all(&bytes).await;
        let _ = client.shutdown().await;
    }
    super::tour(&tap.client()).await;
    let output = tap.stop();
    assert_eq!(output.code(), Some(1), "{}", output.stderr);
    assert!(output.stdout.contains(" OK after "));
}
