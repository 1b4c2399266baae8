//! One error of several that have the same consequence.

use std::io;

/// How many failures an error's text tells.
const TOLD: usize = 5;

/// An error that tells the reasons of all `failures`, in one line. Its kind is that of the last.
pub(super) fn together(failures: Vec<io::Error>) -> io::Error {
    let kind = failures.last().map_or(io::ErrorKind::NotFound, io::Error::kind);
    let mut told: Vec<String> = failures.iter().take(TOLD).map(io::Error::to_string).collect();
    match failures.len() {
        0 => told.push("there is no address".to_owned()),
        all if all > TOLD => told.push(format!("and {} more", all - TOLD)),
        _ => {}
    }
    io::Error::new(kind, told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_reasons_are_told_and_the_others_counted() {
        for (failures, text) in [
            (0, "there is no address"),
            (1, "1 fails"),
            (2, "1 fails, 2 fails"),
            (5, "1 fails, 2 fails, 3 fails, 4 fails, 5 fails"),
            (6, "1 fails, 2 fails, 3 fails, 4 fails, 5 fails, and 1 more"),
            (105, "1 fails, 2 fails, 3 fails, 4 fails, 5 fails, and 100 more"),
        ] {
            let failures = (1..=failures).map(|number| io::Error::other(format!("{number} fails"))).collect();
            assert_eq!(together(failures).to_string(), text);
        }
    }

    #[test]
    fn the_kind_is_that_of_the_last() {
        let failures = vec![io::ErrorKind::ConnectionRefused.into(), io::ErrorKind::TimedOut.into()];
        assert_eq!(together(failures).kind(), io::ErrorKind::TimedOut);
        assert_eq!(together(Vec::new()).kind(), io::ErrorKind::NotFound);
    }
}
