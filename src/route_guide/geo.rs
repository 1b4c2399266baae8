//! Distances over the sphere, and rectangles of coordinates.
//!
//! A [`Point`] counts in units of 10⁻⁷ degrees ("E7"), as int32. Every int32 is legal: ±214.7483648 degrees is
//! an angle like any other to the formulas here, so nothing is clamped, wrapped or refused.

use super::proto::{Point, Rectangle};

/// The radius of the sphere that distances are measured on, in metres: the Earth's mean radius, rounded.
pub const EARTH_RADIUS_METRES: f64 = 6_371_000.0;

/// The distance between two points over the great circle, in metres, by the haversine formula:
///
/// ```text
/// a = sin²(Δφ/2) + cos φ₁ · cos φ₂ · sin²(Δλ/2)        φ latitude, λ longitude, in radians
/// d = 2 R · atan2(√a, √(1 − a))
/// ```
///
/// ```
/// use h2grpc::route_guide::{Point, geo::distance};
///
/// let pole = Point { latitude: 900_000_000, longitude: 0 };
/// let equator = Point { latitude: 0, longitude: 1_234_567_890 };
/// assert_eq!(distance(&pole, &equator) as i64, 10_007_543); // a quarter of the circumference
/// ```
///
/// Points closer than 2.5 degrees take the same formula in power series, cut where a double has no more digits: the
/// result is within ten nanometres, plus one part in 10¹⁵, of what the formula gives.
pub fn distance(from: &Point, to: &Point) -> f64 {
    metres(from, to, [cos_latitude(from), cos_latitude(to)])
}

/// The length of a route whose points come one by one.
///
/// What depends on one point alone, the cosine of its latitude, is computed when the point comes and kept while the
/// next one needs it. Points up to 2.5 degrees apart, as nearly all neighbours on a route are, cost three short
/// polynomials and a root, and no call of a library's sine: half the instructions. The sum is the very number
/// that adding up [`distance`] gives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Route {
    /// The latest point, and the cosine of its latitude.
    last: Option<(Point, f64)>,
    metres: f64,
}

impl Route {
    /// Walks on to `point`. The first point only starts the route.
    // Called, and not part of the caller's loop, it takes twice the time: each point then waits for the one before.
    #[inline(always)]
    pub fn push(&mut self, point: &Point) {
        let cosine = cos_latitude(point);
        if let Some((last, last_cosine)) = self.last.replace((*point, cosine)) {
            self.metres += metres(&last, point, [last_cosine, cosine]);
        }
    }

    /// The length so far, in metres: 0 for a route of no point or one.
    pub fn metres(&self) -> f64 {
        self.metres
    }

    /// The length so far, truncated to whole metres. It can pass what `RouteSummary.distance`, an int32, can hold:
    /// some 108 half circles are enough.
    pub fn whole_metres(&self) -> i64 {
        self.metres as i64
    }
}

/// Whether a point's latitude is at most 90 degrees and its longitude at most 180, either way.
pub fn is_on_globe(point: &Point) -> bool {
    point.latitude.unsigned_abs() <= 900_000_000 && point.longitude.unsigned_abs() <= 1_800_000_000
}

/// The coordinates inside a [`Rectangle`], edges included.
///
/// The two corners may be any two opposite ones, in any order; a missing corner is the point (0, 0), as a missing
/// message field is in proto3. A rectangle does not wrap around the antimeridian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub(super) south: i32,
    pub(super) north: i32,
    pub(super) west: i32,
    pub(super) east: i32,
}

impl From<&Rectangle> for Bounds {
    fn from(rectangle: &Rectangle) -> Self {
        Self::between(&rectangle.lo.unwrap_or_default(), &rectangle.hi.unwrap_or_default())
    }
}

impl Bounds {
    /// The bounds that two opposite corners span.
    pub fn between(a: &Point, b: &Point) -> Self {
        Self {
            south: a.latitude.min(b.latitude),
            north: a.latitude.max(b.latitude),
            west: a.longitude.min(b.longitude),
            east: a.longitude.max(b.longitude),
        }
    }

    /// Whether `point` lies inside or on an edge.
    pub fn contains(&self, point: &Point) -> bool {
        (self.south..=self.north).contains(&point.latitude) && (self.west..=self.east).contains(&point.longitude)
    }

    /// Whether every point of `other` is one of these.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.south <= other.south && other.north <= self.north && self.west <= other.west && other.east <= self.east
    }
}

/// The largest difference of coordinates, in units of 10⁻⁷ degrees, for which [`metres`] takes its series:
/// 2.5 degrees, 278 km of latitude.
const NEAR: u32 = 25_000_000;

/// One unit of 10⁻⁷ degrees, in radians.
const RADIANS: f64 = std::f64::consts::PI / 180e7;

/// The cosine of a point's latitude.
#[inline]
fn cos_latitude(point: &Point) -> f64 {
    let angle = f64::from(point.latitude) * RADIANS;
    if point.latitude.unsigned_abs() <= 900_000_000 { cosine(angle) } else { angle.cos() }
}

/// The distance of two points, given their latitudes' cosines.
#[inline]
fn metres(from: &Point, to: &Point, cosines: [f64; 2]) -> f64 {
    if from.latitude.abs_diff(to.latitude).max(from.longitude.abs_diff(to.longitude)) > NEAR {
        return far(from, to);
    }
    let differences = [to.latitude - from.latitude, to.longitude - from.longitude]; // exact, unlike those of radians
    let [across, along] = differences.map(|e7| half_sine_squared(f64::from(e7) * RADIANS));
    let a = across + cosines[0] * cosines[1] * along; // below 0.001
    let arc_sine = (1.0 + a * (1.0 / 6.0)) + a * a * (3.0 / 40.0 + a * (5.0 / 112.0) + a * a * (35.0 / 1152.0));
    2.0 * EARTH_RADIUS_METRES * a.sqrt() * arc_sine // of √a, whose odd series has √a in front
}

/// The formula as it stands. Apart from the series, because near the antipodes the last digit of `a` is worth
/// centimetres.
#[cold]
fn far(from: &Point, to: &Point) -> f64 {
    let radians = |e7: i32| (f64::from(e7) / 1e7).to_radians();
    let half_sine = |from: i32, to: i32| ((radians(to) - radians(from)) / 2.0).sin();
    let (across, along) = (half_sine(from.latitude, to.latitude), half_sine(from.longitude, to.longitude));
    let a = across * across + radians(from.latitude).cos() * radians(to.latitude).cos() * along * along;
    let a = a.clamp(0.0, 1.0); // rounding can carry it a hair outside, where the roots are not numbers
    2.0 * EARTH_RADIUS_METRES * a.sqrt().atan2((1.0 - a).sqrt())
}

/// sin²(x/2) for |x| up to [`NEAR`], by its power series: the next term is 10⁻¹⁷ of the sum.
#[inline]
fn half_sine_squared(x: f64) -> f64 {
    let x2 = x * x;
    x2 * ((0.25 - x2 * (1.0 / 48.0)) + x2 * x2 * (1.0 / 1440.0 - x2 * (1.0 / 80_640.0)))
}

/// The cosine of an angle up to a right one, by its power series: the next term is below 10⁻¹⁹.
///
/// Summed by halves (Estrin's scheme): no operation waits for more than seven others, where in Horner's each waits for
/// the one before, and a point takes a tenth less.
#[inline]
fn cosine(x: f64) -> f64 {
    // 1/0!, −1/2!, 1/4!, .. −1/22!
    const TERMS: [[f64; 2]; 6] = [
        [1.0, -1.0 / 2.0],
        [1.0 / 24.0, -1.0 / 720.0],
        [1.0 / 40_320.0, -1.0 / 3_628_800.0],
        [1.0 / 479_001_600.0, -1.0 / 87_178_291_200.0],
        [1.0 / 20_922_789_888_000.0, -1.0 / 6_402_373_705_728_000.0],
        [1.0 / 2_432_902_008_176_640_000.0, -1.0 / 1_124_000_727_777_607_680_000.0],
    ];
    let x2 = x * x;
    let x4 = x2 * x2;
    let x8 = x4 * x4;
    let [a, b, c, d, e, f] = TERMS.map(|pair| pair[0] + x2 * pair[1]);
    (a + x4 * b) + x8 * ((c + x4 * d) + x8 * (e + x4 * f))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(latitude: i32, longitude: i32) -> Point {
        Point { latitude, longitude }
    }

    /// Any int32, its extremes and zero more often than chance would have it.
    fn coordinate() -> impl Strategy<Value = i32> {
        prop_oneof![4 => any::<i32>(), 2 => -10..10, 1 => Just(i32::MIN), 1 => Just(i32::MAX)]
    }

    fn any_point() -> impl Strategy<Value = Point> {
        (coordinate(), coordinate()).prop_map(|(latitude, longitude)| point(latitude, longitude))
    }

    /// The formula as it is usually written, everything computed for every pair.
    fn plain(a: &Point, b: &Point) -> f64 {
        let radians = |e7: i32| (f64::from(e7) / 1e7).to_radians();
        let half_sine_squared = |from: i32, to: i32| ((radians(to) - radians(from)) / 2.0).sin().powi(2);
        let cosines = radians(a.latitude).cos() * radians(b.latitude).cos();
        let a = half_sine_squared(a.latitude, b.latitude) + cosines * half_sine_squared(a.longitude, b.longitude);
        let a = a.clamp(0.0, 1.0);
        6_371_000.0 * 2.0 * a.sqrt().atan2((1.0 - a).sqrt())
    }

    #[test]
    fn known_distances() {
        let half_circle = std::f64::consts::PI * EARTH_RADIUS_METRES;
        assert_eq!(distance(&point(0, 0), &point(0, 0)), 0.0);
        assert_eq!(distance(&point(0, 0), &point(0, 1_800_000_000)), half_circle);
        assert_eq!(distance(&point(900_000_000, 0), &point(-900_000_000, 0)), half_circle);
        let metres_per_degree = half_circle / 180.0;
        assert!((distance(&point(409_146_138, 0), &point(419_146_138, 0)) - metres_per_degree).abs() < 1e-6);
        // Trenton to Kingston: some 190 km to the north and 62 km to the east.
        let metres = distance(&point(402_170_500, -747_429_400), &point(419_270_400, -739_973_600));
        assert!((199_500.0..200_500.0).contains(&metres), "{metres}");
    }

    #[test]
    fn a_route_of_no_point_or_one_is_zero_metres() {
        let mut route = Route::default();
        assert_eq!(route.whole_metres(), 0);
        route.push(&point(i32::MIN, i32::MAX));
        assert_eq!(route.metres(), 0.0);
    }

    #[test]
    fn the_sum_is_truncated_and_not_each_part() {
        let mut route = Route::default();
        let step = 85; // 0.945 m to the north
        for i in 0..=100 {
            route.push(&point(i * step, 0));
        }
        assert_eq!(route.whole_metres(), 94);
    }

    #[test]
    fn a_route_beyond_int32_metres_keeps_counting() {
        let mut route = Route::default();
        for i in 0..201 {
            route.push(&point(0, if i % 2 == 0 { 0 } else { 1_800_000_000 }));
        }
        assert_eq!(route.whole_metres(), 4_003_017_359); // 200 half circles of 20,015,086.796 m
    }

    #[test]
    fn a_missing_corner_is_zero() {
        let north_west = Rectangle { lo: None, hi: Some(point(5, -7)) };
        assert_eq!(Bounds::from(&north_west), Bounds { south: 0, north: 5, west: -7, east: 0 });
        assert_eq!(Bounds::from(&Rectangle::default()), Bounds { south: 0, north: 0, west: 0, east: 0 });
    }

    proptest! {
        #[test]
        fn distances_are_the_plain_formula(a in any_point(), b in any_point(), reach in 0..30) {
            // From the next point of the grid to the other side of the globe.
            let near = |from: i32, to: i32| from.saturating_add(to >> reach);
            let b = point(near(a.latitude, b.latitude), near(a.longitude, b.longitude));
            let metres = distance(&a, &b);
            let expected = plain(&a, &b);
            prop_assert!((metres - expected).abs() <= 1e-8 + 1e-15 * expected, "{metres} is not {expected}");
            prop_assert!((0.0..=20_015_086.8).contains(&metres));
        }

        #[test]
        fn a_route_is_the_sum_of_its_distances(points in prop::collection::vec(any_point(), 0..50)) {
            let mut route = Route::default();
            let mut sum = 0.0;
            for (i, point) in points.iter().enumerate() {
                route.push(point);
                sum += if i == 0 { 0.0 } else { distance(&points[i - 1], point) };
            }
            prop_assert_eq!(route.metres(), sum);
        }

        #[test]
        fn corners_come_in_any_order_and_edges_are_inside(a in any_point(), b in any_point(), p in any_point()) {
            let bounds = Bounds::between(&a, &b);
            let (swapped, mixed) = (Bounds::between(&b, &a), Bounds::between(&point(a.latitude, b.longitude), &point(b.latitude, a.longitude)));
            prop_assert_eq!((bounds, bounds), (swapped, mixed));
            prop_assert!(bounds.contains(&a) && bounds.contains(&b));
            let between = |x: i32, ends: [i32; 2]| (ends[0].min(ends[1])..=ends[0].max(ends[1])).contains(&x);
            let expected = between(p.latitude, [a.latitude, b.latitude]) && between(p.longitude, [a.longitude, b.longitude]);
            prop_assert_eq!(bounds.contains(&p), expected);
        }
    }
}
