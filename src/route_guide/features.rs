//! The feature database: found by point or by rectangle, and kept as the bytes that go over the wire.

use std::{collections::HashMap, fmt, ops::Range};

use foldhash::fast::RandomState;
use prost::Message;

use super::geo::{Bounds, is_on_globe};
use super::index::{Runs, Strips};
use super::{Feature, Point};
use crate::codec::{Encoded, EncodedSlice};
use crate::wire::frame::PREFIX_LEN;

/// The longest name in a database, in bytes: far below the 4 MiB that a message may have by default.
pub const MAX_NAME_BYTES: usize = 1 << 20;

/// The key of `Feature.name`: field 1, length-delimited.
const NAME_KEY: u8 = 1 << 3 | 2;

/// Features in database order: an immutable store, shared by all calls.
///
/// Each feature was encoded once, when the database was loaded, as the Length-Prefixed-Message of gRPC over HTTP/2
/// (rule grpc.length-prefix), and the messages lie one after another in a single allocation:
///
/// ```text
/// 00                   not compressed
/// 00 00 00 2f          the message has 47 bytes
/// 0a 1a 4c 6f 6e ..    field 1, name: 26 bytes
/// 12 11                field 2, location: 17 bytes
///    08 d0 c5 8f c3 01    field 1, latitude: 409199312
///    10 .. (10 bytes)     field 2, longitude: a negative int32 takes ten
/// 00                   the next feature
/// ```
///
/// So the answer to `ListFeatures` is copied or sliced out of the store, not encoded: [`within`](Self::within) gives
/// ranges of indexes, [`encoded`](Self::encoded) their messages.
///
/// Methods that take an index or a run of indexes panic beyond [`len`](Self::len), as slices do.
///
/// With names of 45 bytes, 1,000,000 features take 121 MB, and no more while they are loaded.
pub struct Features {
    frames: Encoded<Feature>,
    /// Where each frame begins, and where the last one ends.
    offsets: Box<[usize]>,
    points: Box<[Point]>,
    /// The index of the first feature at each point.
    first_at: HashMap<Point, u32, RandomState>,
    strips: Strips,
}

impl Features {
    /// The data set that comes with the crate: some 150 places between 40 and 42 degrees north, 75 and 73 degrees
    /// west. `features.md` beside it states the source.
    pub fn embedded() -> Self {
        let json: &[u8] = include_bytes!("features.json");
        Self::parse(json, "features.json").expect("the embedded database is valid: a test reads it")
    }

    /// A database of these locations and names, in this order.
    ///
    /// # Panics
    /// When a name is longer than [`MAX_NAME_BYTES`].
    pub fn from_entries<N: Into<String>>(entries: impl IntoIterator<Item = (Point, N)>) -> Self {
        let mut gathered = Gathered::new();
        for (point, name) in entries {
            let feature = Feature { name: name.into(), location: Some(point) };
            gathered.push(&feature).unwrap_or_else(|problem| panic!("{problem}"));
        }
        gathered.into_features()
    }

    /// How many features there are. Their indexes count from 0.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The index of the feature at exactly this point; of the first one, where a point occurs more than once.
    #[inline]
    pub fn at(&self, point: &Point) -> Option<usize> {
        self.first_at.get(point).map(|&index| index as usize)
    }

    /// Whether the database has an entry at exactly this point, named or not.
    #[inline]
    pub fn contains(&self, point: &Point) -> bool {
        self.first_at.contains_key(point)
    }

    /// The features inside a rectangle, as runs of neighbouring indexes in database order. A rectangle over everything
    /// is one run. See [`Runs`] for the memory that this takes.
    pub fn within(&self, bounds: &Bounds) -> Runs<'_> {
        Runs::new(bounds, &self.strips, &self.points)
    }

    /// The feature at an index.
    pub fn get(&self, index: usize) -> Feature {
        Feature { name: self.name(index).to_owned(), location: Some(self.points[index]) }
    }

    /// The name of the feature at an index, where it lies in its message: field 1 comes first, unless it is empty.
    pub fn name(&self, index: usize) -> &str {
        let message = &self.encoded(index..index + 1).as_bytes()[PREFIX_LEN..];
        let Some((&NAME_KEY, mut rest)) = message.split_first() else { return "" };
        // The message was encoded here, so there is no error to tell anybody.
        let length = prost::decode_length_delimiter(&mut rest).unwrap_or_default();
        rest.get(..length).and_then(|name| str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// Where the feature at an index is.
    pub fn point(&self, index: usize) -> Point {
        self.points[index]
    }

    /// Where all features are, in database order.
    pub fn points(&self) -> impl ExactSizeIterator<Item = Point> + '_ {
        self.points.iter().copied()
    }

    /// The features whose coordinates lie beyond the globe, if there are any. They are served like the others, because any
    /// int32 is a legal coordinate; but they may be mistakes, so a server should warn of them.
    pub fn off_globe(&self) -> Option<OffGlobe> {
        let mut off_globe = (0..self.len()).filter(|&index| !is_on_globe(&self.points[index]));
        let first = off_globe.next()?;
        Some(OffGlobe { count: 1 + off_globe.count(), of: self.len(), first, point: self.points[first] })
    }

    /// The messages of a run, ready to be sent.
    pub fn encoded(&self, run: Range<usize>) -> EncodedSlice<'_, Feature> {
        self.frames.slice(self.offsets[run.start]..self.offsets[run.end])
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Features")
            .field("len", &self.len())
            .field("bytes", &self.frames.frames().len())
            .finish_non_exhaustive()
    }
}

/// How many features lie beyond the globe, and which is the first. Its text says so in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffGlobe {
    /// How many.
    pub count: usize,
    /// Of how many in the database.
    pub of: usize,
    /// The index of the first.
    pub first: usize,
    /// Where that is.
    pub point: Point,
}

impl fmt::Display for OffGlobe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, of, first, point: Point { latitude, longitude } } = self;
        let have = if *count == 1 { "has" } else { "have" };
        write!(f, "{count} of {of} features {have} a latitude beyond 90 degrees or a longitude beyond 180; ")?;
        let number = first + 1;
        write!(
            f,
            "the first is number {number}, latitude {latitude} and longitude {longitude} in units of 10^-7 degrees"
        )
    }
}

/// Appends a message, which is no longer than 4 GiB, in its frame.
pub(super) fn append(message: &impl Message, frames: &mut Vec<u8>) {
    frames.push(0);
    frames.extend_from_slice(&(message.encoded_len() as u32).to_be_bytes());
    message.encode_raw(frames);
}

/// A database in the making: features are encoded as they come, and the indexes are built at the end.
pub(super) struct Gathered {
    frames: Vec<u8>,
    offsets: Vec<usize>,
    points: Vec<Point>,
}

impl Gathered {
    pub(super) fn new() -> Self {
        Self { frames: Vec::new(), offsets: vec![0], points: Vec::new() }
    }

    /// Adds a feature, or says why it cannot be in a database.
    pub(super) fn push(&mut self, feature: &Feature) -> Result<(), String> {
        let bytes = feature.name.len();
        if bytes > MAX_NAME_BYTES {
            return Err(format!("a name of {bytes} bytes, expected at most {MAX_NAME_BYTES}"));
        }
        if self.points.len() >= u32::MAX as usize {
            return Err(format!("more features than {}", u32::MAX));
        }
        append(feature, &mut self.frames);
        self.offsets.push(self.frames.len());
        self.points.push(feature.location.unwrap_or_default());
        Ok(())
    }

    pub(super) fn into_features(self) -> Features {
        // Boxed slices have no spare capacity.
        let points: Box<[Point]> = self.points.into();
        let strips = Strips::new(&points);
        let mut first_at = HashMap::with_capacity_and_hasher(points.len(), RandomState::default());
        for (point, index) in points.iter().zip(0..) {
            first_at.entry(*point).or_insert(index);
        }
        Features {
            frames: Encoded::from_frames(self.frames.into_boxed_slice().into()),
            offsets: self.offsets.into(),
            points,
            first_at,
            strips,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(latitude: i32, longitude: i32) -> Point {
        Point { latitude, longitude }
    }

    fn named(points: impl IntoIterator<Item = Point>) -> Features {
        Features::from_entries(points.into_iter().enumerate().map(|(i, point)| (point, format!("place {i}"))))
    }

    /// What a rectangle holds, the obvious way.
    fn scan(features: &Features, bounds: &Bounds) -> Vec<usize> {
        (0..features.len()).filter(|&index| bounds.contains(&features.point(index))).collect()
    }

    /// Compares the answer with the obvious one, and holds that its runs are maximal and its bytes are the features'.
    fn assert_within(features: &Features, bounds: &Bounds) {
        let runs: Vec<_> = features.within(bounds).collect();
        assert_eq!(runs.iter().cloned().flatten().collect::<Vec<_>>(), scan(features, bounds), "{bounds:?}");
        assert!(
            runs.iter().all(|run| !run.is_empty()) && runs.windows(2).all(|pair| pair[0].end < pair[1].start),
            "{runs:?}"
        );
        for run in runs.into_iter().take(10) {
            let run = run.start..run.end.min(run.start + 100);
            let mut expected = Vec::new();
            for feature in run.clone().map(|index| features.get(index)) {
                let message = feature.encode_to_vec();
                expected.extend([&[0], &(message.len() as u32).to_be_bytes()[..], &message].concat());
            }
            assert_eq!(features.encoded(run).as_bytes(), expected);
        }
    }

    #[test]
    fn the_embedded_database_is_as_its_description_says() {
        let features = Features::embedded();
        let trail = features
            .at(&point(409_146_138, -746_188_906))
            .map(|index| features.get(index))
            .expect("the tutorial's client asks for it");
        assert_eq!(trail.name, "Berkshire Valley Management Area Trail, Jefferson, NJ, USA");
        assert!(!features.contains(&point(0, 0)));
        let bounds = Bounds::between(&point(400_000_000, -750_000_000), &point(420_000_000, -730_000_000));
        assert!(features.within(&bounds).eq(std::iter::once(0..features.len())));
        let unnamed = (0..features.len()).filter(|&index| features.get(index).name.is_empty()).count();
        assert!(features.len() - unnamed >= 150 && unnamed == 6);
        let points: std::collections::HashSet<_> = features.points().map(|p| (p.latitude, p.longitude)).collect();
        assert_eq!(points.len(), features.len(), "no point occurs twice");
    }

    #[test]
    fn a_feature_is_stored_as_its_length_prefixed_message() {
        let features = Features::from_entries([(point(409_199_312, -1), "Pond"), (point(0, 0), "")]);
        let pond = [
            0x00, // not compressed
            0x00, 0x00, 0x00, 0x19, // 25 bytes
            0x0a, 0x04, b'P', b'o', b'n', b'd', // name
            0x12, 0x11, // location: 17 bytes
            0x08, 0xd0, 0xc5, 0x8f, 0xc3, 0x01, // latitude 409199312
            0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, // longitude -1
        ];
        assert_eq!(features.encoded(0..1).as_bytes(), pond);
        let nothing = [0x00, 0x00, 0x00, 0x00, 0x02, 0x12, 0x00]; // a location with nothing in it: (0, 0)
        assert_eq!(features.encoded(0..2).to_bytes(), [&pond[..], &nothing].concat());
        assert!(features.encoded(1..1).as_bytes().is_empty());
    }

    #[test]
    fn the_first_of_several_at_one_point_is_found_and_all_are_listed() {
        let spot = point(7, 7);
        let features =
            Features::from_entries([(point(1, 1), "a"), (spot, "b"), (spot, "c"), (point(2, 2), "d"), (spot, "e")]);
        assert_eq!(features.at(&spot).map(|index| features.get(index)).expect("it is there").name, "b");
        assert_eq!(features.within(&Bounds::between(&spot, &spot)).collect::<Vec<_>>(), [1..3, 4..5]);
    }

    #[test]
    fn an_empty_database_answers_nothing() {
        let features = Features::from_entries::<String>([]);
        assert!(features.is_empty() && features.at(&point(0, 0)).is_none());
        let everywhere = Bounds::between(&point(i32::MIN, i32::MIN), &point(i32::MAX, i32::MAX));
        assert_eq!(features.within(&everywhere).next(), None);
        assert_eq!(features.within(&Bounds::between(&point(0, 0), &point(1, 1))).next(), None);
    }

    #[test]
    fn a_name_may_have_a_mebibyte_and_no_more() {
        let entries = |bytes| [(point(1, 2), "x".repeat(bytes))];
        assert_eq!(Features::from_entries(entries(MAX_NAME_BYTES)).get(0).name.len(), MAX_NAME_BYTES);
        assert!(std::panic::catch_unwind(|| Features::from_entries(entries(MAX_NAME_BYTES + 1))).is_err());
    }

    /// Databases that a rectangle search could stumble over, large enough for several strips and blocks.
    #[test]
    fn rectangles_are_right_wherever_the_points_lie() {
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as i32
        };
        let shapes: [fn(i32, i32, i32) -> Point; 6] = [
            |_, x, y| point(x, y),
            |_, x, y| point(x % 50, y % 50),
            |i, _, _| point(i, 3),
            |i, _, _| point(3, -i),
            |i, _, _| point(i, i),
            |_, _, _| point(i32::MIN, i32::MAX),
        ];
        for shape in shapes {
            let features = named((0..20_000).map(|i| shape(i, random(), random())));
            for span in [0, 1, 9, 300, 1_000_000, i32::MAX] {
                for _ in 0..6 {
                    let corner = features.point(random().unsigned_abs() as usize % features.len());
                    let opposite =
                        point(corner.latitude.saturating_add(span), corner.longitude.saturating_sub(span / 7));
                    assert_within(&features, &Bounds::between(&corner, &opposite));
                }
            }
            assert_within(&features, &Bounds::between(&point(i32::MIN, i32::MIN), &point(i32::MAX, i32::MAX)));
            assert_within(&features, &Bounds::between(&point(i32::MIN, -20), &point(i32::MAX, 20)));
            assert_within(&features, &Bounds::between(&point(-20, i32::MIN), &point(20, i32::MAX)));
        }
    }

    /// A narrow range, so that points meet; any int32; and the extremes.
    fn coordinate() -> impl Strategy<Value = i32> {
        prop_oneof![6 => -8..8, 2 => any::<i32>(), 1 => Just(i32::MIN), 1 => Just(i32::MAX)]
    }

    fn any_point() -> impl Strategy<Value = Point> {
        (coordinate(), coordinate()).prop_map(|(latitude, longitude)| point(latitude, longitude))
    }

    proptest! {
        #[test]
        fn lookups_agree_with_the_obvious_way(
            points in prop::collection::vec(any_point(), 0..400),
            asked in prop::collection::vec((any_point(), any_point()), 1..5),
        ) {
            let features = named(points.iter().copied());
            prop_assert_eq!(features.points().collect::<Vec<_>>(), &points[..]);
            for (a, b) in asked {
                prop_assert_eq!(features.at(&a), points.iter().position(|point| *point == a));
                assert_within(&features, &Bounds::between(&a, &b));
            }
        }

        #[test]
        fn a_feature_comes_back_as_it_went_in(name in ".{0,300}", location in any_point()) {
            let feature = Feature { name: name.clone(), location: Some(location) };
            let features = Features::from_entries([(location, name)]);
            prop_assert_eq!(features.at(&location).map(|index| features.get(index)), Some(feature));
        }
    }
}
