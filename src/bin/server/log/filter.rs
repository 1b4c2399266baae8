//! Which lines are logged, as `RUST_LOG` says it.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// Reads a filter. A word alone, which would be taken as a source of log lines, must be one: most are misspelt levels.
///
/// h2's own lines are logged only where h2 is named: peers can make it log warnings at any rate.
pub fn filter(wanted: &str) -> Result<Targets, String> {
    const EXPECTED: &str =
        "expected off, error, warn, info, debug or trace, or sources with levels, as in warn,h2=debug";
    let is_level = |word: &str| !word.is_empty() && word.parse::<LevelFilter>().is_ok();
    let is_source = |word: &str| ["h2", "h2grpc", "server"].contains(&word.split("::").next().unwrap_or(word));
    let is_known = |word: &&str| word.contains('=') || is_level(word) || is_source(word);
    if let Some(unknown) = wanted.split(',').find(|word| !is_known(word)) {
        return Err(format!("\"{unknown}\" is neither a level nor a source of log lines; {EXPECTED}"));
    }
    let read: Targets = wanted.parse().map_err(|_| EXPECTED)?;
    // A source is taken as a beginning, and "h2" would be that of "h2grpc" too. All lines of h2 come from its modules.
    let mut filter = Targets::new().with_target("h2::", LevelFilter::OFF);
    if let Some(level) = read.default_level() {
        filter = filter.with_default(level);
    }
    let sources =
        read.into_iter().map(|(source, level)| (if source == "h2" { "h2::".to_owned() } else { source }, level));
    Ok(filter.with_targets(sources))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn lines_of_h2_are_logged_only_where_it_is_named() {
        let enables = |wanted: &str, source: &str, level: Level| filter(wanted).unwrap().would_enable(source, &level);
        for wanted in ["info", "trace", "warn,server=debug", "h2grpc=trace"] {
            assert!(!enables(wanted, "h2::proto::ping_pong", Level::ERROR), "{wanted}");
        }
        for wanted in ["h2=warn", "info,h2=debug", "off,h2", "h2::proto=warn"] {
            assert!(enables(wanted, "h2::proto::ping_pong", Level::WARN), "{wanted}");
        }
    }

    #[test]
    fn h2_does_not_stand_for_h2grpc() {
        let filter = filter("warn,h2=debug").unwrap();
        assert!(!filter.would_enable("h2grpc::server", &Level::INFO));
        assert!(filter.would_enable("h2grpc::server", &Level::WARN));
    }
}
