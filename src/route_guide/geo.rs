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
pub fn distance(from: &Point, to: &Point) -> f64 {
    Position::of(from).metres_to(&Position::of(to))
}

/// The length of a route whose points come one by one.
///
/// What depends on one point alone (its angles in radians, the cosine of its latitude) is computed when the point
/// comes and kept while the next one needs it, so a point costs one cosine, two sines and one arc tangent. The sum
/// is the very number that adding up [`distance`] gives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Route {
    last: Option<Position>,
    metres: f64,
}

impl Route {
    /// Walks on to `point`. The first point only starts the route.
    pub fn push(&mut self, point: &Point) {
        let here = Position::of(point);
        if let Some(last) = self.last.replace(here) {
            self.metres += last.metres_to(&here);
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
        self.holds(point.latitude, point.longitude)
    }

    /// Like [`contains`](Self::contains), without a jump: the compiler makes vector instructions of it in a loop.
    pub(super) fn holds(&self, latitude: i32, longitude: i32) -> bool {
        (latitude >= self.south) & (latitude <= self.north) & (longitude >= self.west) & (longitude <= self.east)
    }

    /// Whether every point of `other` is one of these.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.holds(other.south, other.west) && self.holds(other.north, other.east)
    }
}

/// A point in radians, with the cosine of its latitude.
#[derive(Clone, Copy, Debug)]
struct Position {
    latitude: f64,
    longitude: f64,
    cos_latitude: f64,
}

impl Position {
    fn of(point: &Point) -> Self {
        let latitude = (f64::from(point.latitude) / 1e7).to_radians();
        let longitude = (f64::from(point.longitude) / 1e7).to_radians();
        Self { latitude, longitude, cos_latitude: latitude.cos() }
    }

    fn metres_to(&self, other: &Self) -> f64 {
        let across = ((other.latitude - self.latitude) / 2.0).sin();
        let along = ((other.longitude - self.longitude) / 2.0).sin();
        let a = across * across + self.cos_latitude * other.cos_latitude * along * along;
        // Rounding can carry `a` a hair outside 0..=1, where the roots are not numbers.
        let a = a.clamp(0.0, 1.0);
        2.0 * EARTH_RADIUS_METRES * a.sqrt().atan2((1.0 - a).sqrt())
    }
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
        fn distances_are_the_plain_formula(a in any_point(), b in any_point()) {
            let metres = distance(&a, &b);
            let expected = plain(&a, &b);
            prop_assert!((metres - expected).abs() <= 1e-9 * expected.max(1.0), "{metres} is not {expected}");
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
