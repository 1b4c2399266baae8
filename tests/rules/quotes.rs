//! Comments that name rules.
//!
//! A comment that cites one of the specifications of the table names the rule, as in "(gRPC over HTTP/2, rule
//! grpc.te-trailers)", or several: "rules h2.goaway and h2.rst-stream".

/// How comments call the specifications.
const SPECIFICATIONS: &[&str] = &[
    "gRPC over HTTP/2",
    "HTTP to gRPC Status Code Mapping",
    "Status codes and their use in gRPC",
    "compression.md",
    "keepalive.md",
    "connection-backoff.md",
    "RFC 9113",
    "RFC 7541",
];

/// The comments of a source that cite a specification and name no rule, or that name a rule which is not known: a line
/// number and what is wrong.
pub fn wrong(text: &str, is_known: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
    let mut wrong = Vec::new();
    for (line, comment) in comments(text) {
        let named = identifiers(&comment);
        let unknown = named.iter().filter(|id| !is_known(id));
        wrong.extend(unknown.map(|id| format!("{line}: the rule {id} is not in the table")));
        if let Some(cited) = SPECIFICATIONS.iter().find(|name| named.is_empty() && comment.contains(*name)) {
            wrong.push(format!("{line}: a comment cites {cited:?} and names no rule, as in \"rule grpc.te-trailers\""));
        }
    }
    wrong.into_iter()
}

/// The comments of a source: lines that follow each other are one, with the number of the first.
fn comments(text: &str) -> Vec<(usize, String)> {
    let mut comments: Vec<(usize, String)> = Vec::new();
    let mut is_inside = false;
    for (at, line) in text.lines().enumerate() {
        let comment = line.trim_start().strip_prefix("//").map(|rest| rest.trim_start_matches(['/', '!']).trim());
        match (comment, comments.last_mut().filter(|_| is_inside)) {
            (Some(words), Some((_, comment))) => {
                comment.push(' ');
                comment.push_str(words);
            }
            (Some(words), None) => comments.push((at + 1, words.to_owned())),
            (None, _) => {
                // A comment at the end of a line of code stands for itself.
                comments.extend(line.split_once(" // ").map(|(_, words)| (at + 1, words.to_owned())));
            }
        }
        is_inside = comment.is_some();
    }
    comments
}

/// The identifiers that a comment names after the word "rule", or after "rules" with commas, "and" or "to" between
/// them.
pub fn identifiers(comment: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_list = false;
    for word in comment.split_whitespace() {
        let bare = word.trim_matches(|sign: char| !sign.is_ascii_alphanumeric());
        if is_list && is_identifier(bare) {
            found.push(bare);
            is_list = !word.ends_with(['.', ')', ':', ';']);
        } else {
            is_list = matches!(bare, "rule" | "rules") || is_list && matches!(bare, "and" | "to");
        }
    }
    found
}

fn is_identifier(word: &str) -> bool {
    let is_part = |part: &str| {
        part.len() > 1
            && !part.starts_with('-')
            && part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    word.split_once('.').is_some_and(|(source, name)| is_part(source) && is_part(name))
}

#[test]
fn identifiers_are_found_after_the_word_rule() {
    assert_eq!(identifiers("Used by proxies (rule grpc.te-trailers)."), ["grpc.te-trailers"]);
    assert_eq!(
        identifiers("(RFC 9113, rules h2.goaway, h2.data and hpack.index): the rest"),
        ["h2.goaway", "h2.data", "hpack.index"]
    );
    assert_eq!(identifiers("the rule, e.g. src/head.rs, says compression.md"), [""; 0]);
}

#[test]
fn a_comment_without_a_rule_and_an_unknown_rule_are_told_with_their_lines() {
    let text = "//! One (RFC\n//! 9113, section 4).\n\nfn f() {} // RFC 7541\n// rule h2.data: RFC 9113\nfn g() {}\n// rule h2.date\n";
    let told: Vec<String> = wrong(text, |id| id == "h2.data").collect();
    assert_eq!(
        told,
        [
            "1: a comment cites \"RFC 9113\" and names no rule, as in \"rule grpc.te-trailers\"",
            "4: a comment cites \"RFC 7541\" and names no rule, as in \"rule grpc.te-trailers\"",
            "7: the rule h2.date is not in the table",
        ]
    );
}
