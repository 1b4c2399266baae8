//! A RouteGuide client for the command line: `client --help` tells what it can ask.

use std::io::{self, Write};
use std::{error::Error, iter, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use h2grpc::call::CallOptions;
use h2grpc::client::{Channel, Target};
use h2grpc::route_guide::arguments::{coordinate, seconds};
use h2grpc::route_guide::program::{self, Outcome, Stdout};
use h2grpc::route_guide::{Features, Point, Rectangle, RouteGuideClient, tour};

/// Calls a RouteGuide server, this project's or any other.
#[derive(Parser)]
#[command(
    version,
    after_help = "A call that fails is told on standard error with its gRPC status, and the exit code is 1."
)]
struct Options {
    /// The server
    #[arg(long, value_name = "http://HOST:PORT", default_value = "http://localhost:50051", global = true)]
    addr: String,

    /// The service's full name; servers built from the tutorial's own .proto, which has no package, know it as
    /// RouteGuide
    #[arg(long, value_name = "NAME", default_value = RouteGuideClient::NAME, global = true)]
    service: String,

    /// How long each call may take; the server is told as grpc-timeout
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, global = true)]
    deadline: Option<Duration>,

    #[command(subcommand)]
    ask: Ask,
}

#[derive(Subcommand)]
#[command(allow_negative_numbers = true)]
enum Ask {
    /// The tutorial's tour: all four methods in order
    All(Known),
    /// The feature at a point, by default at the tutorial's two points
    ///
    /// A coordinate is in degrees when it has a decimal point (40.9146138), and otherwise in units of 10^-7 degrees
    /// (409146138).
    GetFeature {
        /// North of the equator; south of it is negative
        #[arg(requires = "longitude", value_parser = coordinate, allow_negative_numbers = true)]
        latitude: Option<i32>,
        /// East of Greenwich; west of it is negative
        #[arg(value_parser = coordinate, allow_negative_numbers = true)]
        longitude: Option<i32>,
    },
    /// The features in a rectangle between two corners, by default the tutorial's
    ///
    /// A coordinate is in degrees when it has a decimal point (40.9146138), and otherwise in units of 10^-7 degrees
    /// (409146138).
    ListFeatures {
        /// Latitude and longitude of one corner, and of the opposite one
        #[arg(num_args = 4, value_names = ["LAT", "LONG", "LAT", "LONG"], value_parser = coordinate,
            allow_negative_numbers = true)]
        corners: Option<Vec<i32>>,
    },
    /// A route over known points, drawn at random
    RecordRoute(Known),
    /// The tutorial's five notes
    RouteChat,
}

#[derive(Args)]
struct Known {
    /// How many points the route has
    #[arg(long, value_name = "N", default_value_t = 10)]
    points: usize,

    /// Where the known points are from [default: those in the program]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::exit_code(run(Options::parse()).await.map_err(with_advice))
}

async fn run(options: Options) -> Outcome {
    let target: Target = options.addr.parse()?;
    let call_options = options.deadline.map_or_else(CallOptions::new, |time| CallOptions::new().timeout(time));
    let client = RouteGuideClient::new(Channel::new(target)).named(&options.service).with(call_options);
    let out = &mut io::BufWriter::new(Stdout::new());
    match options.ask {
        Ask::All(known) => {
            let features = Features::open(known.db.as_deref())?;
            tour::heading("GetFeature", out)?;
            tour::get_feature(&client, &tour::TUTORIAL_POINTS, out).await?;
            tour::heading("ListFeatures", out)?;
            tour::list_features(&client, tour::TUTORIAL_RECTANGLE, out).await?;
            tour::heading("RecordRoute", out)?;
            tour::record_route(&client, &features, known.points, out).await?;
            tour::heading("RouteChat", out)?;
            tour::route_chat(&client, out).await?;
        }
        Ask::GetFeature { latitude: Some(latitude), longitude: Some(longitude) } => {
            tour::get_feature(&client, &[Point { latitude, longitude }], out).await?;
        }
        Ask::GetFeature { .. } => tour::get_feature(&client, &tour::TUTORIAL_POINTS, out).await?,
        Ask::ListFeatures { corners } => {
            let rectangle = match corners.as_deref() {
                Some(&[latitude, longitude, latitude_2, longitude_2]) => Rectangle {
                    lo: Some(Point { latitude, longitude }),
                    hi: Some(Point { latitude: latitude_2, longitude: longitude_2 }),
                },
                _ => tour::TUTORIAL_RECTANGLE,
            };
            tour::list_features(&client, rectangle, out).await?;
        }
        Ask::RecordRoute(Known { points, db }) => {
            tour::record_route(&client, &Features::open(db.as_deref())?, points, out).await?;
        }
        Ask::RouteChat => tour::route_chat(&client, out).await?,
    }
    Ok(out.flush()?)
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
