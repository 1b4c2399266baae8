//! A transcript as a page: one file that a browser shows without a network, for people who have never seen HTTP/2 and
//! for the engineer who attaches it to a bug report.
//!
//! In comes a [`Transcript`], out goes the text of an HTML file. [`Transcript::to_html`] makes a page of one
//! connection; [`book`] makes one of several, each a chapter with a story.
//!
//! ```text
//! model  tree  steps  story     the transcript as data: frames, spans, what happens between frames, in plain English
//! secrets                       what is not shown to everybody
//! table                         texts and meanings, each written once however often it occurs
//! css/  js/  page.html          what the browser makes of the data
//! ```
//!
//! The data stands in the page as JSON. What peers have sent is only ever shown as text: the page's scripts never make
//! markup of it, and the page's Content-Security-Policy allows no other script than its own.

mod model;
mod options;
mod page;
mod secrets;
mod steps;
mod story;
mod table;
#[cfg(test)]
mod tests;
mod tree;

pub use options::HtmlOptions;
pub use page::{Chapter, book};

use super::Transcript;

impl Transcript {
    /// The connection as a page: the text of an HTML file.
    ///
    /// ```
    /// use h2grpc::transcript::html::HtmlOptions;
    /// use h2grpc::transcript::{Direction, Recorded, Transcript};
    ///
    /// let mut recorded = Recorded::default();
    /// recorded.push(Direction::ToServer, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    /// let transcript = Transcript::read(&recorded, &Default::default());
    /// assert!(transcript.to_html(&HtmlOptions::default()).starts_with("<!DOCTYPE html>"));
    /// ```
    pub fn to_html(&self, options: &HtmlOptions) -> String {
        page::of_one(self, options)
    }
}
