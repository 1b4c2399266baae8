//! How much memory is in use, counted by the allocator.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What may be left of a run: tables and caches that are made once.
const LEFT: usize = 64 * 1024;

/// Runs `work`, which must not take more than `most` bytes at once, and must give them back. `most` is told when the
/// work is done, because it may hang on what the work was.
pub fn bounded(work: impl FnOnce() -> usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let most = work();
    let (peak, after) = (ALLOCATOR.peak_usage().saturating_sub(before), ALLOCATOR.current_usage());
    assert!(peak <= most, "{peak} bytes of memory were in use, at most {most} may be");
    assert!(after <= before + LEFT, "{} bytes of memory are left of a run", after - before);
}
