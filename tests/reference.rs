//! RouteGuide a second time, in the plainest way there is: lists, scanned from the front, and the formula from the
//! book. What the server answers over a real connection must be what this says, for inputs that chance picks.

mod common;

use std::time::Instant;

use common::{Running, soon};
use h2grpc::call::Responses;
use h2grpc::route_guide::notes::MAX_NOTES;
use h2grpc::route_guide::{
    Feature, Features, Guide, Point, Rectangle, RouteGuide, RouteGuideClient, RouteNote, RouteSummary,
};
use h2grpc::server::Server;
use h2grpc::status::Status;
use h2grpc::wire::code::Code;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tokio::runtime::Runtime;

/// Latitude and longitude in units of 10^-7 degrees.
type Place = (i32, i32);

/// A note as it was sent: a place is one thing, and a place left out another.
type Note = (Option<Place>, String);

/// The reference: every method reads like its sentence in the service's description.
struct Plain {
    known: Vec<(Place, String)>,
}

impl Plain {
    /// The first entry at exactly this place, or an unnamed one.
    fn get_feature(&self, at: Place) -> (Place, String) {
        self.known.iter().find(|(place, _)| *place == at).cloned().unwrap_or((at, String::new()))
    }

    /// All entries inside, the edges too, in the order of the database. A corner left out is (0, 0).
    fn list_features(&self, corners: [Option<Place>; 2]) -> Vec<(Place, String)> {
        let [a, b] = corners.map(|corner| corner.unwrap_or((0, 0)));
        let between = |x: i32, one: i32, other: i32| (one <= x && x <= other) || (other <= x && x <= one);
        let inside = |place: Place| between(place.0, a.0, b.0) && between(place.1, a.1, b.1);
        self.known.iter().filter(|(place, _)| inside(*place)).cloned().collect()
    }

    /// How many points, how many of them with an entry, and the length with what rounding may have done to it.
    fn record_route(&self, points: &[Place]) -> (usize, usize, Length) {
        let features = points.iter().filter(|point| self.known.iter().any(|(place, _)| place == *point)).count();
        let mut length = Length { metres: 0.0, slack: 0.0 };
        for hop in points.windows(2) {
            let metres = haversine(hop[0], hop[1]);
            length.metres += metres;
            // Nearly half way round the globe the formula turns a last bit into centimetres.
            length.slack += if metres > 20_000_000.0 { 0.2 } else { 1e-5 };
        }
        (points.len(), features, length)
    }

    /// To each note all earlier ones at its place, in their order.
    fn route_chat(notes: &[Note]) -> Vec<Note> {
        let place = |note: &Note| note.0.unwrap_or((0, 0));
        let mut answers = Vec::new();
        for (index, note) in notes.iter().enumerate() {
            answers.extend(notes[..index].iter().filter(|earlier| place(earlier) == place(note)).cloned());
        }
        answers
    }
}

/// The haversine formula on a sphere of 6,371 km.
fn haversine(from: Place, to: Place) -> f64 {
    let radians = |e7: i32| f64::from(e7) / 1e7 / 180.0 * std::f64::consts::PI;
    let (phi1, phi2) = (radians(from.0), radians(to.0));
    let (half_phi, half_lambda) = ((phi2 - phi1) / 2.0, (radians(to.1) - radians(from.1)) / 2.0);
    let a = half_phi.sin().powi(2) + phi1.cos() * phi2.cos() * half_lambda.sin().powi(2);
    let a = a.clamp(0.0, 1.0);
    2.0 * 6_371_000.0 * a.sqrt().atan2((1.0 - a).sqrt())
}

#[derive(Debug)]
struct Length {
    metres: f64,
    slack: f64,
}

impl Length {
    /// Whether `answer` is this length in whole metres, or OUT_OF_RANGE where int32 has no such number.
    fn allows(&self, answer: Result<i32, Code>) -> bool {
        [-self.slack, 0.0, self.slack].iter().any(|error| {
            let metres = (self.metres + error).max(0.0).trunc();
            answer == if metres <= f64::from(i32::MAX) { Ok(metres as i32) } else { Err(Code::OUT_OF_RANGE) }
        })
    }
}

fn point((latitude, longitude): Place) -> Point {
    Point { latitude, longitude }
}

fn place(point: Point) -> Place {
    (point.latitude, point.longitude)
}

fn known(feature: Feature) -> (Place, String) {
    (place(feature.location.expect("every feature has its location")), feature.name)
}

fn note((at, message): &Note) -> RouteNote {
    RouteNote { location: at.map(point), message: message.clone() }
}

async fn collect<T: prost::Message + Default>(mut answers: Responses<T>) -> Result<Vec<T>, Status> {
    let mut all = Vec::new();
    while let Some(answer) = soon(answers.next()).await? {
        all.push(answer);
    }
    Ok(all)
}

async fn record(client: &RouteGuideClient, points: &[Place]) -> Result<RouteSummary, Status> {
    let (mut sender, summary) = client.record_route().await?;
    for &at in points {
        if soon(sender.send(point(at))).await.is_err() {
            break; // the summary says why
        }
    }
    let _ = sender.finish().await;
    Ok(soon(summary.response()).await?.message)
}

/// Sends all notes while another task reads the answers.
async fn chat(client: &RouteGuideClient, notes: &[Note]) -> Result<Vec<Note>, Status> {
    let (mut sender, answers) = client.route_chat().await?;
    let reading = tokio::spawn(collect(answers));
    for one in notes {
        if soon(sender.send(note(one))).await.is_err() {
            break; // the answers say why
        }
    }
    let _ = sender.finish().await;
    let answers = soon(reading).await.expect("the reader does not panic")?;
    Ok(answers.into_iter().map(|answer| (answer.location.map(place), answer.message)).collect())
}

/// Few values, so that places meet; the ends of int32 and their neighbours; and any other.
fn coordinate() -> impl Strategy<Value = i32> {
    prop_oneof![
        6 => -2..=2,
        2 => prop::sample::select(vec![i32::MIN, i32::MIN + 1, i32::MAX - 1, i32::MAX]),
        1 => prop::sample::select(vec![-1_800_000_000, -900_000_000, 900_000_000, 1_800_000_000]),
        2 => any::<i32>(),
    ]
}

fn any_place() -> impl Strategy<Value = Place> {
    (coordinate(), coordinate())
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![1 => Just(String::new()), 3 => "[a-z]{1,6}", 1 => "\\PC{0,40}"]
}

fn note_strategy() -> impl Strategy<Value = Note> {
    (option::weighted(0.8, (-1..=1, -1..=1)), name())
}

#[derive(Debug)]
struct Questions {
    known: Vec<(Place, String)>,
    places: Vec<Place>,
    areas: Vec<[Option<Place>; 2]>,
    routes: Vec<Vec<Place>>,
    chats: Vec<Vec<Note>>,
}

fn questions() -> impl Strategy<Value = Questions> {
    let area = [option::weighted(0.8, any_place()), option::weighted(0.8, any_place())];
    // Some routes go to and fro between two places, which may be far enough apart to leave int32.
    let to_and_fro = (any_place(), any_place(), 0..250_usize)
        .prop_map(|(a, b, points)| (0..points).map(|index| if index % 2 == 0 { a } else { b }).collect());
    let route = prop_oneof![3 => vec(any_place(), 0..40), 1 => to_and_fro];
    (
        vec((any_place(), name()), 0..80),
        vec(any_place(), 0..20),
        vec(area, 0..12),
        vec(route, 0..4),
        vec(vec(note_strategy(), 0..40), 0..4),
    )
        .prop_map(|(known, places, areas, routes, chats)| Questions { known, places, areas, routes, chats })
}

/// Asks everything at once over one connection, and compares.
async fn ask(questions: Questions) {
    let Questions { known: entries, places, areas, routes, chats } = questions;
    let plain = Plain { known: entries };
    let entries = plain.known.iter().map(|(at, name)| (point(*at), name.clone()));
    let running = Running::route_guide(Features::from_entries(entries));
    let client = &running.client();

    let visits = async {
        for at in places.into_iter().chain([(0, 0)]).chain(plain.known.iter().map(|(place, _)| *place)) {
            let feature = soon(client.get_feature(point(at))).await.unwrap().message;
            assert_eq!(known(feature), plain.get_feature(at), "at {at:?}");
        }
    };
    let lists = async {
        for [lo, hi] in areas {
            for corners in [[lo, hi], [hi, lo]] {
                let [lo, hi] = corners.map(|corner| corner.map(point));
                let features = collect(client.list_features(Rectangle { lo, hi }).await.unwrap()).await.unwrap();
                let features: Vec<_> = features.into_iter().map(known).collect();
                assert_eq!(features, plain.list_features(corners), "within {corners:?}");
            }
        }
    };
    let recordings = async {
        for route in routes {
            let start = Instant::now();
            let answer = record(client, &route).await;
            let (points, features, length) = plain.record_route(&route);
            if let Ok(summary) = &answer {
                assert_eq!((summary.point_count, summary.feature_count), (points as i32, features as i32), "{route:?}");
                assert!((0..=start.elapsed().as_secs() as i32).contains(&summary.elapsed_time), "{summary:?}");
            }
            let distance = answer.as_ref().map(|summary| summary.distance).map_err(Status::code);
            assert!(length.allows(distance), "{answer:?} is not {length:?} for {route:?}");
        }
    };
    // All chats run side by side: a note that strays into another call is seen.
    let talks = futures_util::future::join_all(chats.iter().map(|notes| async move {
        assert_eq!(chat(client, notes).await.unwrap(), Plain::route_chat(notes));
    }));
    tokio::join!(visits, lists, recordings, talks);
}

/// The input of a failure is shrunk and printed, with nothing written to disk.
#[test]
fn random_questions_get_the_answers_of_the_plain_implementation() {
    let runtime = Runtime::new().unwrap();
    let config = ProptestConfig { cases: 100, max_shrink_iters: 500, failure_persistence: None, ..Default::default() };
    proptest!(config, |(questions in questions())| runtime.block_on(ask(questions)));
}

#[tokio::test]
async fn empty_streams_get_zeros_and_nothing() {
    let running = Running::route_guide(Features::embedded());
    assert_eq!(record(&running.client(), &[]).await.unwrap(), RouteSummary::default());
    assert_eq!(chat(&running.client(), &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_route_is_out_of_range_from_the_first_hop_beyond_int32_metres() {
    let running = Running::route_guide(Features::embedded());
    let antipodes = |hops: usize| (0..=hops).map(|index| (0, if index % 2 == 0 { 0 } else { 1_800_000_000 }));
    // A half circle is 20,015,086.796 m; int32 ends at 2,147,483,647.
    let summary = record(&running.client(), &antipodes(107).collect::<Vec<_>>()).await.unwrap();
    assert_eq!((summary.point_count, summary.distance), (108, 2_141_614_287));
    for hops in [108, 109, 1000] {
        let status = record(&running.client(), &antipodes(hops).collect::<Vec<_>>()).await.unwrap_err();
        assert_eq!(status.code(), Code::OUT_OF_RANGE, "{hops} hops: {status}");
        assert!(status.message().contains("metres"), "{status}");
    }
}

#[tokio::test]
async fn five_thousand_notes_on_fifty_places_are_each_answered_by_their_earlier_ones() {
    let running = Running::route_guide(Features::embedded());
    let notes: Vec<Note> = (0..5000)
        .map(|index| {
            let place = (index * index) % 50;
            (Some((place, -place)), format!("note {index}"))
        })
        .collect();
    let answers = chat(&running.client(), &notes).await.unwrap();
    let expected = Plain::route_chat(&notes);
    assert!(expected.len() > 250_000, "{}", expected.len());
    assert_eq!(answers.len(), expected.len());
    let differing = answers.iter().zip(&expected).position(|(answer, expected)| answer != expected);
    assert_eq!(differing.map(|index| (&answers[index], &expected[index])), None);
}

#[tokio::test]
async fn a_note_left_in_one_call_is_in_no_other() {
    let running = Running::route_guide(Features::embedded());
    let client = running.client();
    let here = |text: &str| RouteNote { location: Some(point((1, 2))), message: text.to_owned() };
    let (mut first, mut first_answers) = client.route_chat().await.unwrap();
    let (mut second, mut second_answers) = client.route_chat().await.unwrap();
    for round in 0..20 {
        for (sender, answers, who) in
            [(&mut first, &mut first_answers, "first"), (&mut second, &mut second_answers, "second")]
        {
            sender.send(here(&format!("{who} {round}"))).await.unwrap();
            for earlier in 0..round {
                assert_eq!(soon(answers.next()).await.unwrap(), Some(here(&format!("{who} {earlier}"))));
            }
        }
    }
    for (sender, mut answers) in [(first, first_answers), (second, second_answers)] {
        sender.finish().await.unwrap();
        assert_eq!(soon(answers.next()).await.unwrap(), None);
    }
    assert_eq!(chat(&client, &[(Some((1, 2)), "later".to_owned())]).await.unwrap(), []);
}

#[tokio::test]
async fn six_notes_of_a_megabyte_at_one_point_are_answered() {
    let running = Running::route_guide(Features::embedded());
    let notes: Vec<Note> = (0..6).map(|index| (Some((1, 2)), format!("{index}").repeat(1_000_000))).collect();
    let answers = chat(&running.client(), &notes).await.unwrap();
    assert!(answers == Plain::route_chat(&notes), "{} answers", answers.len());
}

#[tokio::test]
async fn what_a_chat_may_store_is_a_setting() {
    for (max, fits) in [(1_000, false), (3_000, true)] {
        let guide = Guide::new(Features::embedded()).max_notes(max);
        let running = Running::start(Server::new().add(guide.into_service()));
        let notes = [(Some((1, 2)), "x".repeat(1_000)), (Some((1, 2)), "y".repeat(1_000))];
        match chat(&running.client(), &notes).await {
            Ok(answers) => assert!(fits && answers == notes[..1], "{answers:?}"),
            Err(status) => {
                assert!(!fits && status.code() == Code::RESOURCE_EXHAUSTED, "{status}");
                let text = status.message();
                assert!(text.contains("1000 bytes") && text.contains("--max-notes"), "{status}");
            }
        }
    }
}

#[tokio::test]
async fn a_chat_that_stores_too_much_is_resource_exhausted_and_its_neighbour_goes_on() {
    let running = Running::route_guide(Features::embedded());
    let client = running.client();
    let (mut neighbour, mut neighbours_answers) = client.route_chat().await.unwrap();
    let small = RouteNote { location: None, message: "still here".to_owned() };
    neighbour.send(&small).await.unwrap();

    // At a place of its own each, so that there are no answers to read.
    let note = |index: usize, length: usize| (Some((index as i32, 0)), "x".repeat(length));
    let long = 64 * 1024;
    let fitting: Vec<Note> = (0..MAX_NOTES / (long + 500)).map(|index| note(index, long)).collect();
    assert_eq!(chat(&client, &fitting).await.unwrap(), []);
    let short = 30;
    let many_fitting: Vec<Note> = (0..20_000).map(|index| note(index, short)).collect();
    assert_eq!(chat(&client, &many_fitting).await.unwrap(), []);

    for (length, count) in [(long, MAX_NOTES / long + 1), (short, MAX_NOTES / short)] {
        let (mut sender, answers) = client.route_chat().await.unwrap();
        let reading = tokio::spawn(collect(answers));
        for index in 0..count {
            // Once the call has ended, the sender is told that nobody listens; why, the answer says.
            if soon(sender.send(self::note(&note(index, length)))).await.is_err() {
                break;
            }
        }
        let _ = sender.finish().await;
        let status = soon(reading).await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::RESOURCE_EXHAUSTED, "{status}");
        assert!(status.message().contains(&MAX_NOTES.to_string()), "{status}");
    }

    neighbour.send(&small).await.unwrap();
    assert_eq!(soon(neighbours_answers.next()).await.unwrap(), Some(small));
    neighbour.finish().await.unwrap();
    assert_eq!(soon(neighbours_answers.next()).await.unwrap(), None);
}
