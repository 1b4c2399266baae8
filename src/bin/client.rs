//! A RouteGuide client for the command line: `client --help` tells what it can ask.

use std::io::{self, Write};
use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use h2grpc::call::CallOptions;
use h2grpc::client::{Channel, Endpoint};
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
    #[arg(long, value_name = "SECONDS", value_parser = seconds, global = true)]
    deadline: Option<Duration>,

    #[command(subcommand)]
    ask: Ask,
}

#[derive(Subcommand)]
#[command(allow_negative_numbers = true)]
enum Ask {
    /// The tutorial's tour: all four methods in order
    All(Known),
    /// The feature at a point, in units of 10^-7 degrees; by default the tutorial's two points
    GetFeature {
        #[arg(requires = "longitude", allow_negative_numbers = true)]
        latitude: Option<i32>,
        #[arg(allow_negative_numbers = true)]
        longitude: Option<i32>,
    },
    /// The features in a rectangle between two corners, in units of 10^-7 degrees; by default the tutorial's
    ListFeatures {
        /// LATITUDE LONGITUDE LATITUDE LONGITUDE
        #[arg(num_args = 4, value_names = ["LAT", "LONG", "LAT", "LONG"], allow_negative_numbers = true)]
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

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds, such as 1.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tour::exit_code(run(Options::parse()).await)
}

async fn run(options: Options) -> tour::Outcome {
    let endpoint: Endpoint = options.addr.parse()?;
    let call_options = options.deadline.map_or_else(CallOptions::new, |time| CallOptions::new().timeout(time));
    let client = RouteGuideClient::new(Channel::new(endpoint)).named(&options.service).with(call_options);
    let out = &mut io::BufWriter::new(io::stdout().lock());
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
