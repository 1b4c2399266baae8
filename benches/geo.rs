//! RouteGuide's own work, each beside the obvious naive way: `cargo bench --bench geo`.
//!
//! The naive database is a `Vec<Feature>` that is searched from its beginning and encoded for every answer. Points
//! and rectangles are random but the same in every run, and each is asked for in turn, so that caches help as little as
//! they would in a server. Databases are loaded from a JSON file; time and memory of that are printed on the way.

use std::io::{self, BufWriter, Write};
use std::{fs, hint::black_box, path::Path, time::Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use h2grpc::route_guide::{
    Feature, Features, Point,
    geo::{Bounds, Route, distance},
};
use prost::Message;
use rand::{RngExt, SeedableRng, rngs::StdRng};

const SIZES: [usize; 3] = [100, 100_000, 1_000_000];

/// The square that points are drawn from: 40 to 42 degrees north, 75 to 73 degrees west.
const SOUTH_WEST: Point = Point { latitude: 400_000_000, longitude: -750_000_000 };
const SIDE: i32 = 20_000_000;

fn random_point(random: &mut StdRng, margin: i32) -> Point {
    let mut offset = || random.random_range(0..SIDE - margin);
    Point { latitude: SOUTH_WEST.latitude + offset(), longitude: SOUTH_WEST.longitude + offset() }
}

/// Random squares that hold about `hits` of `size` features each.
fn squares(random: &mut StdRng, size: usize, hits: usize) -> Vec<Bounds> {
    let side = (f64::from(SIDE) * (hits as f64 / size as f64).sqrt()) as i32;
    let mut square = || {
        let Point { latitude, longitude } = random_point(random, side);
        Bounds::between(
            &Point { latitude, longitude },
            &Point { latitude: latitude + side, longitude: longitude + side },
        )
    };
    (0..1000).map(|_| square()).collect()
}

/// What the system tells of this process's memory, in megabytes: "VmRSS" is resident now, "VmHWM" was at most.
fn memory(key: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(kibibytes.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1024.0 / 1e6)
}

/// Writes `size` random features with names of 45 bytes to `path`.
fn write_json(path: &Path, size: usize) -> io::Result<()> {
    let mut random = StdRng::seed_from_u64(size as u64);
    let mut json = BufWriter::new(fs::File::create(path)?);
    for index in 0..size {
        let Point { latitude, longitude } = random_point(&mut random, 0);
        let start = if index == 0 { "[" } else { "," };
        let location = format!(r#""location": {{"latitude": {latitude}, "longitude": {longitude}}}"#);
        writeln!(json, "{start} {{{location}, \"name\": \"Milestone {index:08} of the Great Trail, NJ, USA\"}}")?;
    }
    writeln!(json, "]")?;
    json.flush()
}

/// A database of `size` features, loaded from a file.
fn database(size: usize) -> Features {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{size}.json"));
    write_json(&path, size).expect("the file can be written");
    // So that the peak is that of loading, and not that of what was before. Where it cannot be, no peak is told.
    let peak_begins = fs::write("/proc/self/clear_refs", "5").is_ok();
    let (before, start) = (memory("VmRSS"), Instant::now());
    let features = Features::load(&path).expect("the file is well-formed");
    let (seconds, after) = (start.elapsed().as_secs_f64(), memory("VmRSS"));
    let peak = memory("VmHWM").filter(|_| peak_begins);
    let _ = fs::remove_file(path);
    print!("{size} features loaded in {seconds:.2} s");
    for (when, memory) in [("at rest", after), ("at the peak", peak)] {
        if let Some((before, memory)) = before.zip(memory) {
            print!(", {:.1} MB {when}", memory - before);
        }
    }
    println!();
    features
}

fn distances(c: &mut Criterion) {
    let mut random = StdRng::seed_from_u64(1);
    let points: Vec<Point> = (0..10_000).map(|_| random_point(&mut random, 0)).collect();
    let mut group = c.benchmark_group("route of 10000 points");
    group.throughput(Throughput::Elements(points.len() as u64));
    group.bench_function("once per point", |b| {
        b.iter(|| {
            let mut route = Route::default();
            black_box(&points).iter().for_each(|point| route.push(point));
            route.metres()
        })
    });
    group.bench_function("naive", |b| {
        b.iter(|| black_box(&points).windows(2).map(|pair| distance(&pair[0], &pair[1])).sum::<f64>())
    });
    group.finish();
}

fn lookups(c: &mut Criterion) {
    for size in SIZES {
        let features = database(size);
        let naive: Vec<Feature> = (0..size).map(|index| features.get(index)).collect();
        exact(c, &features, &naive);
        rectangle(c, "rectangle small", &features, &naive, 100.min(size / 2));
        rectangle(c, "rectangle large", &features, &naive, size / 2);
    }
}

fn exact(c: &mut Criterion, features: &Features, naive: &[Feature]) {
    let mut random = StdRng::seed_from_u64(2);
    let points: Vec<Point> = (0..1_000_000).map(|_| features.point(random.random_range(0..features.len()))).collect();
    let mut group = c.benchmark_group("exact");
    group.throughput(Throughput::Elements(1));
    let mut asked = points.iter().cycle();
    group.bench_function(BenchmarkId::new("indexed", features.len()), |b| {
        b.iter(|| features.at(asked.next().expect("the cycle has no end")))
    });
    let mut asked = points.iter().cycle();
    group.sample_size(10).bench_function(BenchmarkId::new("naive", features.len()), |b| {
        b.iter(|| {
            let point = asked.next().copied();
            naive.iter().position(|feature| feature.location == point)
        })
    });
    group.finish();
}

/// Finds what a rectangle holds; then makes the bytes of the answer too.
fn rectangle(c: &mut Criterion, name: &str, features: &Features, naive: &[Feature], hits: usize) {
    let squares = squares(&mut StdRng::seed_from_u64(3), features.len(), hits);
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(hits as u64));
    let mut asked = squares.iter().cycle();
    let mut next = || asked.next().expect("the cycle has no end");
    let size = features.len();
    let found = |bounds: &'_ Bounds| -> Vec<&Feature> {
        let inside = |feature: &&Feature| feature.location.is_some_and(|point| bounds.contains(&point));
        naive.iter().filter(inside).collect()
    };
    group.bench_function(BenchmarkId::new("find, indexed", size), |b| {
        b.iter(|| features.within(next()).map(|run| run.len()).sum::<usize>())
    });
    let mut buffer = Vec::new();
    group.bench_function(BenchmarkId::new("answer, indexed", size), |b| {
        b.iter(|| {
            buffer.clear();
            features.within(next()).for_each(|run| buffer.extend_from_slice(features.encoded(run).as_bytes()));
            buffer.len()
        })
    });
    group.sample_size(10);
    group.bench_function(BenchmarkId::new("find, naive", size), |b| b.iter(|| found(next()).len()));
    group.bench_function(BenchmarkId::new("answer, naive", size), |b| {
        b.iter(|| {
            buffer.clear();
            for feature in found(next()) {
                buffer.push(0);
                buffer.extend_from_slice(&(feature.encoded_len() as u32).to_be_bytes());
                feature.encode_raw(&mut buffer);
            }
            buffer.len()
        })
    });
    group.finish();
}

criterion_group!(benches, distances, lookups);
criterion_main!(benches);
