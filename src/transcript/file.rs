//! What every transcript file has, and the bare form of it: bytes without a word about their meaning.

use std::fmt::{self, Write};
use std::time::Duration;

use super::record::Recorded;

/// The first line of a transcript file. The number is the format's version.
pub(super) const FIRST_LINE: &str = "h2grpc transcript 1";

/// The lines before the first frame.
pub(super) fn head(late: bool, missed: u64, out: &mut dyn Write) -> fmt::Result {
    writeln!(out, "{FIRST_LINE}")?;
    if late {
        writeln!(out, "late")?;
    }
    if missed > 0 {
        writeln!(out, "missed {missed}")?;
    }
    Ok(())
}

/// Seconds with their microseconds: "0.000123".
pub(super) fn seconds(time: Duration) -> String {
    format!("{}.{:06}", time.as_secs(), time.subsec_micros())
}

/// The bytes of a line.
pub(super) fn pairs(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// A bare transcript file: every chunk with its time and its bytes, without what they mean. It
/// [parses](Recorded::parse) to the same value if its times are whole microseconds, as those of a
/// [`Recording`](super::Recording) are.
impl fmt::Display for Recorded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ROW: usize = 32;
        head(self.late, self.missed, out)?;
        for chunk in &self.chunks {
            writeln!(out, "{} [{}]", chunk.direction.arrow(), seconds(chunk.at))?;
            chunk.bytes.chunks(ROW).try_for_each(|row| writeln!(out, "    {}", pairs(row)))?;
        }
        Ok(())
    }
}
