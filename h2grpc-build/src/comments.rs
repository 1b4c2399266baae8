//! Comments of a `.proto` become documentation, which is Markdown, and must break neither the build nor rustdoc.

use std::ops::Range;

use prost_types::FileDescriptorSet;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// Makes all comments harmless.
///
/// What is left to do, prost-build does: words in brackets become no links, addresses become links, and a code block
/// without a language is no doc test.
pub(crate) fn clean(set: &mut FileDescriptorSet) {
    let locations = set.file.iter_mut().filter_map(|file| file.source_code_info.as_mut());
    for location in locations.flat_map(|info| &mut info.location) {
        let (leading, trailing) = (&mut location.leading_comments, &mut location.trailing_comments);
        let comments = leading.iter_mut().chain(trailing).chain(&mut location.leading_detached_comments);
        comments.for_each(|comment| *comment = clean_markdown(&clean_characters(comment)));
    }
}

/// Takes out the characters that rustc refuses in a comment.
fn clean_characters(comment: &str) -> String {
    let refused = |c: char| match c {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true, // they turn the direction of the text
        _ => c.is_control(),
    };
    comment.replace("\r\n", "\n").replace(refused, "")
}

/// Words such as `<T>` are text and no tags of HTML, and no code block is a Rust program.
fn clean_markdown(comment: &str) -> String {
    let mut edits: Vec<(Range<usize>, &str)> = Vec::new();
    for (event, range) in Parser::new_ext(comment, Options::all()).into_offset_iter() {
        match event {
            Event::Html(_) | Event::InlineHtml(_) => {
                let tags = comment[range.clone()].match_indices('<').map(|(at, _)| range.start + at);
                edits.extend(tags.map(|at| (at..at, "\\")));
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if !language.is_empty() => {
                if let Some(at) = comment[range.clone()].find(&*language) {
                    let start = range.start + at;
                    edits.push((start..start + language.len(), "text"));
                }
            }
            _ => {}
        }
    }
    let mut clean = comment.to_owned();
    edits.sort_by_key(|(range, _)| range.start);
    for (range, text) in edits.into_iter().rev() {
        clean.replace_range(range, text);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_rustc_refuses_are_left_out() {
        assert_eq!(clean_characters("a\r\nb\rc\u{0}d\u{202e}e\tf"), "a\nbcde\tf");
    }

    #[test]
    fn tags_are_text() {
        assert_eq!(
            clean_markdown("a <T> and `<T>`, </div>, <https://e.com>, 1 < 2"),
            "a \\<T> and `<T>`, \\</div>, <https://e.com>, 1 < 2"
        );
        assert_eq!(clean_markdown("<div>\na <b>\n</div>"), "\\<div>\na \\<b>\n\\</div>");
        assert_eq!(clean_markdown("<!-- no\ncomment -->"), "\\<!-- no\ncomment -->");
    }

    #[test]
    fn code_is_no_rust() {
        assert_eq!(
            clean_markdown("```rust\na\n```\n> ~~~ no_run, é\n> b\n> ~~~"),
            "```text\na\n```\n> ~~~ text\n> b\n> ~~~"
        );
    }
}
