//! Servers that are stopped, killed and started again while they are called. They are processes of their own, behind real
//! sockets, as the `server` binary is run.
#![cfg(target_os = "linux")]

mod common;
#[path = "common/load.rs"]
mod load;
#[allow(dead_code)]
#[path = "interop/process.rs"]
mod process;
#[path = "common/served.rs"]
mod served;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use common::{checked, soon};
use futures_util::future::join_all;
use h2grpc::call::CallOptions;
use h2grpc::client::{Channel, ConnectivityState, Target};
use h2grpc::limits::ClientLimits;
use h2grpc::policy::{Balance, MethodConfig, RetryPolicy, ServiceConfig};
use h2grpc::route_guide::{Features, Guide, Point, RouteGuide, RouteGuideClient, RouteNote};
use h2grpc::server::Server;
use h2grpc::status::Status;
use h2grpc::wire::Code;
use load::{Load, assert_none_lost};
use served::{Reserved, Scratch, Served};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// One load after the other: two at once would wait for each other's processor time.
static ALONE: Mutex<()> = Mutex::const_new(());

const PLACE: Point = Point { latitude: 1, longitude: 1 };

fn retry() -> CallOptions {
    CallOptions::new().retry(RetryPolicy::default())
}

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

// ---- One server.

/// Calls a server that is stopped by SIGTERM and started again `times` times meanwhile. None may be lost.
async fn drained_and_restarted(options: CallOptions, count: usize, times: usize) {
    let _alone = ALONE.lock().await;
    let reserved = Reserved::new();
    let mut served = Served::start_at(reserved.address, &[]).await;
    let mut load = Load::start(served.client().with(options), count);
    for time in 0..times {
        load.until(count / times * time + 500).await;
        served.terminate().await;
        // The new one starts while the old one still has calls.
        let next = Served::start_at(reserved.address, &[]).await;
        served.ended_well().await;
        served = next;
    }
    assert_none_lost(&load.ended().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_that_is_drained_and_restarted_loses_none_of_20_000_calls_with_the_retry_policy() {
    // 3.3 s apart, which is longer than the attempts of one call take.
    drained_and_restarted(retry(), 20_000, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_that_is_drained_and_restarted_loses_no_call_that_waits_for_ready_without_any_policy() {
    drained_and_restarted(CallOptions::new().wait_for_ready(true), 8_000, 3).await;
}

/// Opens a chat that stays open, and says how it ends.
async fn open_chat(client: &RouteGuideClient) -> tokio::task::JoinHandle<Status> {
    let (mut notes, mut answers) = client.route_chat().await.unwrap();
    for text in ["one", "two"] {
        notes.send(RouteNote { location: Some(PLACE), message: text.to_owned() }).await.unwrap();
    }
    assert!(answers.next().await.unwrap().is_some());
    tokio::spawn(async move {
        let _notes = notes;
        answers.next().await.unwrap_err()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_that_is_killed_and_restarted_fails_the_calls_in_flight_and_no_other() {
    let _alone = ALONE.lock().await;
    let reserved = Reserved::new();
    let mut served = Served::start_at(reserved.address, &[]).await;
    let channel = common::channel(reserved.address);
    let client = RouteGuideClient::new(channel.clone()).with(CallOptions::new().wait_for_ready(true));
    let mut load = Load::start(client.clone(), 8_000);
    // From the signal until the channel has noticed.
    let mut deaths = Vec::new();
    for time in 1..=3 {
        load.until(2_000 * time).await;
        let chats = join_all((0..10).map(|_| open_chat(&client))).await;
        let mut state = channel.watch();
        let noticed = tokio::spawn(async move {
            state.wait_for(|state| *state != ConnectivityState::Ready).await.unwrap();
            Instant::now()
        });
        let killed = Instant::now();
        served.kill().await;
        deaths.push((killed, soon(noticed).await.unwrap()));
        for chat in chats {
            let status = soon(chat).await.unwrap();
            assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
        }
        served = Served::start_at(reserved.address, &[]).await;
    }
    let ended = load.ended().await;
    let failed = ended.iter().filter_map(|call| Some((call, call.result.as_ref().err()?)));
    for (call, status) in failed {
        assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
        let in_flight = deaths.iter().any(|(killed, noticed)| call.begun <= *noticed && call.ended >= *killed);
        assert!(in_flight, "begun at {:?}, ended at {:?}, deaths {deaths:?}: {status}", call.begun, call.ended);
    }
}

// ---- Three servers.

/// A server on each of three addresses, with its address as the name of a place.
struct Three {
    reserved: [Reserved; 3],
    scratches: Vec<Scratch>,
    served: Vec<Option<Served>>,
}

impl Three {
    async fn start(test: &str) -> Three {
        let reserved = [Reserved::new(), Reserved::new(), Reserved::new()];
        let mut three = Three { reserved, scratches: Vec::new(), served: vec![None, None, None] };
        for index in 0..3 {
            let name = three.name(index);
            let scratch = Scratch::new(&format!("{test}-{index}.json"));
            let Point { latitude, longitude } = PLACE;
            let place = format!(r#"{{"latitude":{latitude},"longitude":{longitude}}}"#);
            fs::write(&scratch.0, format!(r#"[{{"location":{place},"name":"{name}"}}]"#)).unwrap();
            three.scratches.push(scratch);
            three.restart(index).await;
        }
        three
    }

    fn name(&self, index: usize) -> String {
        self.reserved[index].address.to_string()
    }

    async fn restart(&mut self, index: usize) {
        let database = ["--db", self.scratches[index].path()];
        self.served[index] = Some(Served::start_at(self.reserved[index].address, &database).await);
    }

    async fn kill(&mut self, index: usize) {
        self.served[index].take().unwrap().kill().await;
    }

    fn client(&self, target: Target) -> RouteGuideClient {
        RouteGuideClient::new(checked::calling(Channel::new(target)).service_config(round_robin()))
    }
}

fn round_robin() -> ServiceConfig {
    ServiceConfig::new().load_balancing(Balance::RoundRobin)
}

/// How many of `count` calls, 50 at once, each server has answered.
async fn answered(client: &RouteGuideClient, count: usize) -> Result<BTreeMap<String, usize>, Status> {
    let mut answered = BTreeMap::new();
    for _ in 0..count / 50 {
        for answer in soon(join_all((0..50).map(|_| client.get_feature(PLACE)))).await {
            *answered.entry(answer?.message.name).or_default() += 1;
        }
    }
    Ok(answered)
}

/// Calls until each of `count` servers has answered: until then, connections are being made.
async fn until_all_answer(client: &RouteGuideClient, count: usize) {
    soon(async {
        while answered(client, 50).await.unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn round_robin_over_three_servers_is_even_within_2_percent() {
    let _alone = ALONE.lock().await;
    let three = Three::start("even").await;
    let [a, b, c] = [0, 1, 2].map(|index| three.name(index));
    let several = [&a, &b, &c].map(|name| target(name));
    for target in [target(&format!("ipv4:{a},{b},{c}")), Target::several(several).unwrap()] {
        let client = three.client(target);
        until_all_answer(&client, 3).await;
        let answered = answered(&client, 3_000).await.unwrap();
        assert!(answered.values().all(|count| (980..=1020).contains(count)), "{answered:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn round_robin_leaves_a_dead_server_out_and_takes_it_back() {
    let _alone = ALONE.lock().await;
    let mut three = Three::start("dead").await;
    let [a, b, c] = [0, 1, 2].map(|index| three.name(index));
    let client = three.client(target(&format!("ipv4:{a},{b},{c}")));
    until_all_answer(&client, 3).await;
    three.kill(1).await;
    // After five seconds the addresses are looked up again. Those that are still there keep their connections.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let answered = answered(&client, 1_000).await.unwrap();
    assert_eq!(answered, BTreeMap::from([(a, 500), (c, 500)]));
    three.restart(1).await;
    until_all_answer(&client, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolling_restart_of_three_servers_under_load_loses_no_call_with_the_retry_policy() {
    let _alone = ALONE.lock().await;
    let reserved = [Reserved::new(), Reserved::new(), Reserved::new()];
    let mut servers = Vec::new();
    for reserved in &reserved {
        servers.push(Served::start_at(reserved.address, &[]).await);
    }
    let [a, b, c] = [0, 1, 2].map(|index: usize| reserved[index].address);
    let retry = MethodConfig::new().retry(RetryPolicy::default());
    let channel = common::channel(format!("ipv4:{a},{b},{c}"));
    let channel = channel.service_config(round_robin().default_method(retry));
    let mut load = Load::start(RouteGuideClient::new(channel), 12_000);
    load.until(2_000).await;
    for (server, reserved) in servers.iter_mut().zip(&reserved) {
        server.terminate().await;
        let next = Served::start_at(reserved.address, &[]).await;
        std::mem::replace(server, next).ended_well().await;
    }
    assert_none_lost(&load.ended().await);
}

// ---- A server that is not there: the retry policy holds for that too.

/// A client whose first `refusals` dials are refused, and how many it has made.
fn refused(refusals: u32) -> (RouteGuideClient, Arc<AtomicU32>) {
    let dials = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&dials);
    let connect = move || {
        let is_refused = counted.fetch_add(1, Relaxed) < refusals;
        async move {
            if is_refused {
                return Err(std::io::ErrorKind::ConnectionRefused.into());
            }
            let (client, server) = tokio::io::duplex(64 * 1024);
            let guide = Guide::new(Features::embedded()).into_service();
            tokio::spawn(common::pipes::serve(Server::new().add(guide), server));
            Ok(client)
        }
    };
    let channel = Channel::with_connector(target("test.invalid:1"), ClientLimits::default(), connect);
    (RouteGuideClient::new(checked::calling(channel)), dials)
}

#[tokio::test(start_paused = true)]
async fn call_that_finds_no_server_is_tried_again_by_its_policy_whatever_its_shape() {
    for number in [0, 5, 10, 15] {
        let (client, dials) = refused(1);
        soon(load::call(&client.with(retry()), number)).await.unwrap();
        assert_eq!(dials.load(Relaxed), 2, "the second dial, a second after the first, succeeds");
        let status = soon(load::call(&refused(1).0, number)).await.unwrap_err();
        assert_eq!(status.code(), Code::UNAVAILABLE, "without a policy: {status}");
    }
}

#[tokio::test(start_paused = true)]
async fn call_that_finds_no_server_has_as_many_attempts_as_its_policy_allows() {
    let policy = RetryPolicy::default().max_attempts(3).initial_backoff(Duration::from_secs(10));
    let (client, _) = refused(u32::MAX);
    let begin = Instant::now();
    let client = client.with(CallOptions::new().retry(policy.max_backoff(Duration::from_secs(10))));
    let status = soon(client.get_feature(PLACE)).await.unwrap_err();
    assert_eq!(status.code(), Code::UNAVAILABLE, "{status}");
    assert!((16.0..24.1).contains(&begin.elapsed().as_secs_f64()), "two pauses: {:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn deadline_ends_a_call_between_two_attempts_to_find_a_server() {
    let policy = RetryPolicy::default().initial_backoff(Duration::from_secs(10)).max_backoff(Duration::from_secs(10));
    let begin = Instant::now();
    let options = CallOptions::new().retry(policy).timeout(Duration::from_secs(5));
    let status = soon(refused(u32::MAX).0.with(options).get_feature(PLACE)).await.unwrap_err();
    assert_eq!((status.code(), begin.elapsed()), (Code::DEADLINE_EXCEEDED, Duration::from_secs(5)), "{status}");
}
