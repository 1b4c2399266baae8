//! Lines of a fixed width, and what stands in which column of them.

/// A character and its colour.
pub(super) type Cell = (char, &'static str);

/// Cuts a text into rows of at most `limit` characters, after a space where one is in the second half of the row.
pub(super) fn wrapped(text: &[Cell], limit: usize) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    let mut rest = text;
    while rest.len() > limit {
        let space = rest[limit / 2..limit].iter().rposition(|cell| cell.0 == ' ');
        let (row, after) = rest.split_at(space.map_or(limit, |at| limit / 2 + at + 1));
        rows.push(row.to_vec());
        rest = after;
    }
    rows.push(rest.to_vec());
    rows
}

/// How a line is divided: `row_bytes` bytes after `indent`, their meaning at `text`, and its note `note` characters
/// further on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    pub(super) width: usize,
    pub(super) indent: usize,
    pub(super) row_bytes: usize,
    pub(super) text: usize,
    pub(super) note: usize,
}

impl Columns {
    pub(super) const WIDE: Columns = Columns { width: 110, indent: 4, row_bytes: 12, text: 41, note: 32 };

    pub(super) fn within(width: usize) -> Columns {
        if width >= Columns::WIDE.width {
            return Columns::WIDE;
        }
        let width = width.max(70);
        let text = 27;
        // Most notes have at most 34 characters. Where those do not fit beside a meaning, they stand below it.
        let note = (width - text - 34).clamp(20, Columns::WIDE.note);
        Columns { width, indent: 2, row_bytes: 8, text, note }
    }
}
