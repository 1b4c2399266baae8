//! What a page shows, and how much.

/// What a page shows, and how much of it.
#[derive(Clone, Debug)]
pub struct HtmlOptions {
    /// The page's title.
    pub title: String,
    /// Whether to show credentials and cookies. Without it neither their values nor their bytes are in the page.
    pub secrets: bool,
    /// How many bytes of a single frame, or of what was derived from it, are shown.
    pub frame: usize,
    /// About how many bytes the data of the page may have. Frames beyond are left out and counted.
    pub size: usize,
}

impl Default for HtmlOptions {
    /// No secrets, 64 KiB of each frame, 64 MiB in all.
    fn default() -> Self {
        HtmlOptions { title: "A gRPC connection".into(), secrets: false, frame: 64 * 1024, size: 64 * 1024 * 1024 }
    }
}
