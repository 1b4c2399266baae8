//! The file that a browser opens: the data, the scripts and the styles in one.

use super::super::Transcript;
use super::model::{self, Model};
use super::options::HtmlOptions;
use super::table::Table;

const PAGE: &str = include_str!("page.html");

const STYLE: &str = concat!(
    include_str!("css/colors.css"),
    include_str!("css/page.css"),
    include_str!("css/conversation.css"),
    include_str!("css/detail.css"),
    include_str!("css/flow.css"),
    include_str!("css/media.css"),
);

/// The scripts, in an order in which each uses those before it.
const SCRIPT: &str = concat!(
    "'use strict';\n",
    include_str!("js/dom.js"),
    include_str!("js/data.js"),
    include_str!("js/names.js"),
    include_str!("js/rows.js"),
    include_str!("js/list.js"),
    include_str!("js/bits.js"),
    include_str!("js/hex.js"),
    include_str!("js/tree.js"),
    include_str!("js/explain.js"),
    include_str!("js/tables.js"),
    include_str!("js/panes.js"),
    include_str!("js/conversation.js"),
    include_str!("js/flow.js"),
    include_str!("js/search.js"),
    include_str!("js/copy.js"),
    include_str!("js/main.js"),
);

/// The SHA-256 digests of script and style, by which the page's Content-Security-Policy knows them. A test tells the
/// new ones when a file has changed.
const SCRIPT_DIGEST: &str = "sha256-tJr2LA5Snl1juw41URKEd8RNUt9lFFxnxWS12ihbEDE=";
const STYLE_DIGEST: &str = "sha256-zPQRkehMfp+LaJAkxgBNdKZ2r/Jdmcd9cqde7UVS5Zs=";

/// A connection with a story, for a [`book`].
#[derive(Clone, Copy, Debug)]
pub struct Chapter<'a> {
    /// Its title.
    pub title: &'a str,
    /// What a reader should know first: paragraphs with an empty line between them.
    pub story: &'a str,
    /// The identifiers of the rules that it is about: rows of `docs/rules.md`. They are told with the story.
    pub rules: &'a [&'static str],
    /// The connection.
    pub transcript: &'a Transcript,
}

/// A page of several connections.
pub fn book(chapters: &[Chapter<'_>], options: &HtmlOptions) -> String {
    let mut table = Table::default();
    let models = chapters.iter().map(|chapter| {
        let model = model::chapter(chapter.transcript, options, &mut table);
        let rules = chapter.rules.iter().map(|rule| table.rule(rule)).collect();
        model.told(chapter.title, paragraphs(chapter.story), rules)
    });
    let chapters = models.collect();
    page(&Model { title: &options.title, table, chapters })
}

/// A page of one connection.
pub(super) fn of_one(transcript: &Transcript, options: &HtmlOptions) -> String {
    let mut table = Table::default();
    let chapters = vec![model::chapter(transcript, options, &mut table)];
    page(&Model { title: &options.title, table, chapters })
}

fn page(model: &Model<'_>) -> String {
    // Numbers, strings and lists: there is nothing in it that JSON cannot say.
    let data = serde_json::to_string(model).unwrap_or_default();
    let parts = [
        ("{TITLE}", escaped(model.title)),
        ("{SCRIPT_DIGEST}", SCRIPT_DIGEST.to_owned()),
        ("{STYLE_DIGEST}", STYLE_DIGEST.to_owned()),
        ("{STYLE}", STYLE.to_owned()),
        ("{SCRIPT}", SCRIPT.to_owned()),
        // No "<" stands in the data, so it cannot end its own element.
        ("{DATA}", data.replace('<', "\\u003c")),
    ];
    let mut rest = PAGE;
    let mut page = String::with_capacity(PAGE.len() + parts.iter().map(|(_, text)| text.len()).sum::<usize>());
    // From left to right, so that what a part has in it is never taken for the place of another.
    while let Some((at, (name, text))) =
        parts.iter().filter_map(|part| Some((rest.find(part.0)?, part))).min_by_key(|(at, _)| *at)
    {
        page.push_str(&rest[..at]);
        page.push_str(text);
        rest = &rest[at + name.len()..];
    }
    page.push_str(rest);
    page
}

fn paragraphs(story: &str) -> Vec<String> {
    let paragraphs = story.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::wire::binary;

    /// A browser runs the page's script and takes its style by their digests alone.
    #[test]
    fn the_policy_has_the_digests_of_script_and_style() {
        let digest = |text: &str| {
            let digest = binary::encode(&Sha256::digest(text));
            format!("sha256-{digest}{}", "=".repeat((4 - digest.len() % 4) % 4))
        };
        assert_eq!(
            (SCRIPT_DIGEST, STYLE_DIGEST),
            (&digest(SCRIPT)[..], &digest(STYLE)[..]),
            "write the right ones here"
        );
    }
}
