//! The chance in pauses, which a simulation can repeat.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

thread_local! {
    static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
}

/// For simulations: from now on the pauses between the attempts of calls and of dials that are made in this thread follow
/// from `seed`. Without it each program has chances of its own, which is what all others want.
///
/// ```
/// use h2grpc::policy::{RetryPolicy, seed_pauses};
///
/// let pauses = || {
///     seed_pauses(17);
///     [1, 2, 3].map(|retry| RetryPolicy::default().pause(retry))
/// };
/// assert_eq!(pauses(), pauses());
/// ```
pub fn seed_pauses(seed: u64) {
    SEEDED.set(Some(StdRng::seed_from_u64(seed)));
}

/// A number in `range` by chance.
pub(super) fn between(range: RangeInclusive<f64>) -> f64 {
    SEEDED.with_borrow_mut(|seeded| match seeded {
        Some(rng) => rng.random_range(range),
        None => rand::rng().random_range(range),
    })
}
