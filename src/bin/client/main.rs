//! A RouteGuide client for the command line: `client --help` tells what it can ask.

mod options;
mod watch;
mod wire;

use std::io::{self, Write};
use std::{error::Error, iter, process::ExitCode};

use h2grpc::route_guide::program::{self, Outcome, Stdout};
use h2grpc::route_guide::{Features, Point, Rectangle, RouteGuideClient, tour};
use options::{Ask, Known, Options};
use wire::Wire;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::exit_code(run(Options::read()).await.map_err(with_advice))
}

async fn run(options: Options) -> Outcome {
    let mut channel = options.channel()?;
    let wire = (options.shown.wire.is_some() || options.shown.record.is_some()).then(Wire::default);
    if let Some(wire) = &wire {
        channel = wire.record(&channel);
    }
    let watching = options.shown.watch.then(|| tokio::spawn(watch::print(channel.watch())));
    let client = RouteGuideClient::new(channel).named(&options.calls.service).with(options.calls.options());

    let out = &mut io::BufWriter::new(Stdout::new());
    let outcome = ask(options.ask, &client, out).await;
    // It was the last hold on the channel, which closes its connections now.
    drop(client);
    if let Some(watching) = watching {
        watching.await?;
    }
    let shown = match (&wire, options.shown.wire) {
        (Some(wire), Some(messages)) => wire.show(messages, out).await,
        _ => Ok(()),
    };
    let saved = match (&wire, &options.shown.record) {
        (Some(wire), Some(path)) => wire.save(path).await,
        _ => Ok(()),
    };
    outcome.and(shown).and(saved)?;
    Ok(out.flush()?)
}

/// Makes the calls, and prints what they bring.
async fn ask(ask: Ask, client: &RouteGuideClient, out: &mut impl Write) -> Outcome {
    match ask {
        Ask::All(known) => {
            let features = Features::open(known.db.as_deref())?;
            tour::heading("GetFeature", out)?;
            tour::get_feature(client, &tour::TUTORIAL_POINTS, out).await?;
            tour::heading("ListFeatures", out)?;
            tour::list_features(client, tour::TUTORIAL_RECTANGLE, out).await?;
            tour::heading("RecordRoute", out)?;
            tour::record_route(client, &features, known.points, out).await?;
            tour::heading("RouteChat", out)?;
            tour::route_chat(client, out).await
        }
        Ask::GetFeature { latitude: Some(latitude), longitude: Some(longitude) } => {
            tour::get_feature(client, &[Point { latitude, longitude }], out).await
        }
        Ask::GetFeature { .. } => tour::get_feature(client, &tour::TUTORIAL_POINTS, out).await,
        Ask::ListFeatures { corners } => {
            let rectangle = match corners.as_deref() {
                Some(&[latitude, longitude, latitude_2, longitude_2]) => Rectangle {
                    lo: Some(Point { latitude, longitude }),
                    hi: Some(Point { latitude: latitude_2, longitude: longitude_2 }),
                },
                _ => tour::TUTORIAL_RECTANGLE,
            };
            tour::list_features(client, rectangle, out).await
        }
        Ask::RecordRoute(Known { points, db }) => {
            tour::record_route(client, &Features::open(db.as_deref())?, points, out).await
        }
        Ask::RouteChat => tour::route_chat(client, out).await,
    }
}

/// Adds how a server is started to the error of a call that found none.
fn with_advice(error: Box<dyn Error>) -> Box<dyn Error> {
    let refused = |cause: &(dyn Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    match iter::successors(Some(&*error), |&error| error.source()).any(refused) {
        true => format!("{error} To start one: cargo run --release --bin server").into(),
        false => error,
    }
}
