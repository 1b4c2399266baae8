//! Medians, a histogram of latencies, and numbers as text.

use std::time::Duration;

/// Steps per power of two: 64 keep the error of a quantile under 1.6 percent.
const STEPS: u32 = 64;

/// Counts of latencies in nanoseconds, in buckets that grow with the value.
#[derive(Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; (STEPS * 48) as usize], total: 0, max: Duration::ZERO }
    }
}

impl Histogram {
    pub fn record(&mut self, latency: Duration) {
        let nanos = latency.as_nanos() as u64;
        let last = self.counts.len() - 1;
        self.counts[bucket(nanos).min(last)] += 1;
        self.total += 1;
        self.max = self.max.max(latency);
    }

    pub fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// How many latencies were recorded.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The latency that the share `q` of all calls did not exceed, in microseconds.
    pub fn quantile(&self, q: f64) -> f64 {
        let rank = (q * self.total as f64).ceil() as u64;
        let mut seen = 0;
        for (i, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank && seen > 0 {
                return (middle(i) / 1e3).min(self.max());
            }
        }
        0.0
    }

    /// The longest latency in microseconds.
    pub fn max(&self) -> f64 {
        self.max.as_nanos() as f64 / 1e3
    }
}

fn bucket(nanos: u64) -> usize {
    let steps = u64::from(STEPS);
    if nanos < steps {
        return nanos as usize;
    }
    let power = nanos.ilog2() - STEPS.ilog2();
    (u64::from(power) * steps + (nanos >> power)) as usize
}

fn middle(bucket: usize) -> f64 {
    let (bucket, steps) = (bucket as u64, u64::from(STEPS));
    if bucket < 2 * steps {
        return bucket as f64;
    }
    let power = bucket / steps - 1;
    ((bucket - power * steps) << power) as f64 + ((1u64 << power) as f64) / 2.0
}

/// The median of a few figures; 0 for none.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

/// A whole number with a comma before every three digits.
pub fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_within_two_percent() {
        let mut histogram = Histogram::default();
        (1..=100_000).for_each(|micros| histogram.record(Duration::from_micros(micros)));
        for q in [0.5, 0.9, 0.99] {
            let expected = q * 100_000.0;
            assert!((histogram.quantile(q) / expected - 1.0).abs() < 0.02, "{q}: {}", histogram.quantile(q));
        }
        assert_eq!(histogram.quantile(1.0), histogram.max());
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    }
}
