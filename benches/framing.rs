//! Length-prefixed messages, encoded and decoded, beside the obvious naive way.
//!
//! `cargo bench --bench framing` runs all; `cargo bench --bench framing -- burst` the bursts of 22-byte frames (a
//! RouteGuide Point and its prefix) in 16 KiB chunks, which a busy stream consists of. `h2grpc` is this crate; `naive`
//! takes a fresh `Vec` for every message, and reads by extending a `Vec` and draining messages off its front.

use std::hint::black_box;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use h2grpc::wire::frame::{self, Decoder, PREFIX_LEN};

/// An encoded `Point { latitude: 409146138, longitude: -746188906 }`.
const POINT: [u8; 17] =
    [0x08, 0x9a, 0xa6, 0x8c, 0xc3, 0x01, 0x10, 0x96, 0x9f, 0x98, 0x9c, 0xfd, 0xff, 0xff, 0xff, 0xff, 0x01];
const LIMIT: usize = 4 << 20;
const CHUNK: usize = 16 * 1024;

/// The obvious encoder: a new buffer for every message, then one more copy.
fn naive_encode(dst: &mut Vec<u8>, payload: &[u8]) {
    let mut framed = vec![0];
    framed.extend((payload.len() as u32).to_be_bytes());
    framed.extend(payload);
    dst.extend(framed);
}

/// The obvious decoder: everything that arrived in one buffer, messages copied out and drained off its front.
#[derive(Default)]
struct NaiveDecoder(Vec<u8>);

impl NaiveDecoder {
    fn push(&mut self, chunk: &[u8]) {
        self.0.extend(chunk);
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        let length = u32::from_be_bytes(*self.0.get(1..)?.first_chunk()?) as usize;
        let end = PREFIX_LEN + length;
        let payload = self.0.get(PREFIX_LEN..end)?.to_vec();
        self.0.drain(..end);
        Some(payload)
    }
}

/// `count` frames with this payload, cut into chunks.
fn chunks(payload: &[u8], count: usize, size: usize) -> Vec<Bytes> {
    let mut stream = BytesMut::new();
    for _ in 0..count {
        frame::put(&mut stream, false, payload).expect("a short message");
    }
    stream.chunks(size).map(Bytes::copy_from_slice).collect()
}

fn decode(decoder: &mut Decoder, chunks: &[Bytes]) -> usize {
    let mut messages = 0;
    for chunk in chunks {
        decoder.push(chunk.clone());
        while let Some(message) = decoder.next().expect("well-formed frames") {
            black_box(message.payload);
            messages += 1;
        }
    }
    messages
}

fn naive_decode(decoder: &mut NaiveDecoder, chunks: &[Bytes]) -> usize {
    let mut messages = 0;
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(payload) = decoder.next() {
            black_box(payload);
            messages += 1;
        }
    }
    messages
}

fn sizes(criterion: &mut Criterion) {
    for (name, size) in [("1B", 1), ("64B", 64), ("4KiB", 4096), ("1MiB", 1 << 20)] {
        let payload = vec![7; size];
        let mut group = criterion.benchmark_group(format!("encode/{name}"));
        group.throughput(Throughput::Bytes((PREFIX_LEN + size) as u64));
        let mut dst = BytesMut::with_capacity(2 << 20);
        group.bench_function("h2grpc", |bencher| {
            bencher.iter(|| {
                dst.clear();
                frame::put(&mut dst, false, black_box(&payload)).expect("a short message");
                black_box(&dst[..]);
            });
        });
        let mut dst = Vec::with_capacity(2 << 20);
        group.bench_function("naive", |bencher| {
            bencher.iter(|| {
                dst.clear();
                naive_encode(&mut dst, black_box(&payload));
                black_box(&dst[..]);
            });
        });
        group.finish();

        let mut group = criterion.benchmark_group(format!("decode/{name}"));
        group.throughput(Throughput::Bytes((PREFIX_LEN + size) as u64));
        // One chunk; then chunks as they come: of 16 KiB, or of 100 bytes, or of single bytes.
        let cuts =
            [("one chunk", usize::MAX), ("chunks of 16KiB", CHUNK), ("chunks of 100B", 100), ("chunks of 1B", 1)];
        for (cut, chunk) in cuts {
            if (chunk >= PREFIX_LEN + size && chunk != usize::MAX) || size > chunk.saturating_mul(100) {
                continue; // the same as one chunk, or a cut that no peer makes
            }
            let chunks = chunks(&payload, 1, chunk);
            let mut decoder = Decoder::new(LIMIT);
            group.bench_function(BenchmarkId::new("h2grpc", cut), |bencher| {
                bencher.iter(|| decode(&mut decoder, black_box(&chunks)));
            });
            let mut decoder = NaiveDecoder::default();
            group.bench_function(BenchmarkId::new("naive", cut), |bencher| {
                bencher.iter(|| naive_decode(&mut decoder, black_box(&chunks)));
            });
        }
        group.finish();
    }
}

/// 10,000 messages of 22 bytes with their prefix, in DATA as it arrives and leaves: 16 KiB at a time.
fn burst(criterion: &mut Criterion) {
    const COUNT: usize = 10_000;
    let mut group = criterion.benchmark_group("burst of 22-byte frames");
    group.throughput(Throughput::Elements(COUNT as u64));
    let chunks = chunks(&POINT, COUNT, CHUNK);
    let mut decoder = Decoder::new(LIMIT);
    group.bench_function("decode/h2grpc", |bencher| {
        bencher.iter(|| assert_eq!(decode(&mut decoder, black_box(&chunks)), COUNT));
    });
    let mut decoder = NaiveDecoder::default();
    group.bench_function("decode/naive", |bencher| {
        bencher.iter(|| assert_eq!(naive_decode(&mut decoder, black_box(&chunks)), COUNT));
    });
    let mut dst = BytesMut::with_capacity(2 * CHUNK);
    group.bench_function("encode/h2grpc", |bencher| {
        bencher.iter(|| {
            for _ in 0..COUNT {
                frame::put(&mut dst, false, black_box(&POINT)).expect("a short message");
                if dst.len() >= CHUNK {
                    black_box(&dst[..]);
                    dst.clear();
                }
            }
        });
    });
    let mut dst = Vec::with_capacity(2 * CHUNK);
    group.bench_function("encode/naive", |bencher| {
        bencher.iter(|| {
            for _ in 0..COUNT {
                naive_encode(&mut dst, black_box(&POINT));
                if dst.len() >= CHUNK {
                    black_box(&dst[..]);
                    dst.clear();
                }
            }
        });
    });
    group.finish();
}

criterion_group! {
    name = framing;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = burst, sizes
}
criterion_main!(framing);
