//! The command line: whom the client calls, how, and what it shows besides the result.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::{env, error::Error, path::PathBuf, time::Duration};

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, value_parser};
use h2grpc::call::CallOptions;
use h2grpc::client::{Channel, Target};
use h2grpc::limits::ClientLimits;
use h2grpc::policy::{Balance, RetryPolicy, ServiceConfig};
use h2grpc::route_guide::RouteGuideClient;
use h2grpc::route_guide::arguments::{coordinate, seconds};
use h2grpc::status::Status;

const DEFAULT_ADDRESS: &str = "http://localhost:50051";

/// How long a service config may be, far more than one needs: the file may be something else.
const MOST_CONFIG: u64 = 1024 * 1024;

/// Calls a RouteGuide server, this project's or any other.
#[derive(Parser)]
#[command(
    name = "client",
    version,
    after_help = "A call that fails is told on standard error with its gRPC status, and the exit code is 1."
)]
pub struct Options {
    #[command(flatten)]
    pub server: Server,

    #[command(flatten)]
    pub calls: Calls,

    #[command(flatten)]
    pub shown: Shown,

    #[command(subcommand)]
    pub ask: Ask,
}

/// Where the server is, and how it is connected to.
#[derive(Args)]
#[command(next_help_heading = "Server")]
pub struct Server {
    /// The server, or one of several: repeat it to give all their addresses. The first that answers gets the calls [default:
    /// http://localhost:50051]
    #[arg(long, value_name = "http://HOST:PORT", global = true, conflicts_with = "target")]
    addr: Vec<String>,

    /// The server in any form of gRPC's naming: dns:///HOST:PORT, ipv4:IP:PORT,IP:PORT, ipv6:[IP]:PORT, unix:PATH,
    /// unix-abstract:NAME
    #[arg(long, value_name = "TARGET", global = true)]
    target: Option<String>,

    /// Give all addresses calls in turn
    #[arg(long, global = true)]
    round_robin: bool,

    /// What calls name the server as (:authority) [default: the first HOST:PORT]
    #[arg(long, value_name = "NAME", global = true)]
    authority: Option<String>,

    /// How long one attempt to connect may take, up to the server's HTTP/2 SETTINGS [default: 20]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, global = true)]
    connect_timeout: Option<Duration>,

    /// Send a PING when the connection has been silent for so long during a call [default: never]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, global = true)]
    keepalive: Option<Duration>,
}

/// What holds for each call.
#[derive(Args)]
#[command(next_help_heading = "Calls")]
pub struct Calls {
    /// The service's full name; servers built from the tutorial's own .proto, which has no package, know it as
    /// RouteGuide
    #[arg(long, value_name = "NAME", default_value = RouteGuideClient::NAME, global = true)]
    pub service: String,

    /// How long each call may take, retries and waiting included; the server is told as grpc-timeout
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, global = true)]
    deadline: Option<Duration>,

    /// Try a call again that fails with UNAVAILABLE, in at most N attempts, 2 to 5 [N: 5, as in the library]
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "5",
        value_parser = value_parser!(u32).range(2..=5), global = true)]
    retry: Option<u32>,

    /// While no server can be reached, wait for one and do not fail
    #[arg(long, global = true)]
    wait_for_ready: bool,

    /// Take time-outs, limits, retries and load balancing from a gRPC service config, which is JSON
    #[arg(long, value_name = "FILE", global = true)]
    service_config: Option<PathBuf>,
}

/// What is shown besides the result.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub struct Shown {
    /// Print what the connection is doing on standard error, whenever that changes: IDLE, CONNECTING, READY,
    /// TRANSIENT_FAILURE, SHUTDOWN. A state that is over at once may be left out
    #[arg(long, global = true)]
    pub watch: bool,

    /// After the result, also of a call that fails, print every byte that was on the wire, with its meaning. N messages
    /// of each call are shown each way, and the others counted [N: 3]
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "3", global = true)]
    pub wire: Option<usize>,

    /// After the calls, write every byte that was on the wire to FILE, with its meaning, as text that `tap show` reads. A
    /// second connection goes to FILE with -2 before its extension, and so on
    #[arg(long, value_name = "FILE", global = true)]
    pub record: Option<PathBuf>,
}

#[derive(Subcommand)]
#[command(allow_negative_numbers = true)]
pub enum Ask {
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
pub struct Known {
    /// How many points the route has
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub points: usize,

    /// Where the known points are from [default: those in the program]
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
}

impl Options {
    /// Reads the command line. What is wrong in it ends the program, with exit code 2.
    pub fn read() -> Self {
        let options = Options::parse();
        if let Err(why) = options.server.check_given(env::args_os()) {
            Options::command().error(ErrorKind::ArgumentConflict, why).exit();
        }
        options
    }

    /// A channel to the server.
    pub fn channel(&self) -> Result<Channel, Box<dyn Error>> {
        let Server { connect_timeout, keepalive, round_robin, .. } = self.server;
        let mut limits = ClientLimits::default().keepalive_interval(keepalive);
        limits.connect_timeout = connect_timeout.unwrap_or(limits.connect_timeout);
        let mut config = self.calls.service_config()?;
        if round_robin {
            config = config.load_balancing(Balance::RoundRobin);
        }
        Ok(Channel::new(self.server.target()?).limits(limits).service_config(config))
    }
}

impl Server {
    fn target(&self) -> Result<Target, Status> {
        let target = match (&self.target, &self.addr[..]) {
            (Some(target), _) => target.parse()?,
            (None, []) => DEFAULT_ADDRESS.parse()?,
            (None, addresses) => {
                Target::several(addresses.iter().map(|it| it.parse()).collect::<Result<Vec<_>, _>>()?)?
            }
        };
        match &self.authority {
            Some(authority) => target.authority(authority),
            None => Ok(target),
        }
    }

    /// Checks that every address was taken. Of an option that stands on both sides of the subcommand, the command-line
    /// parser takes those on one side, and looks for conflicts on each side alone.
    fn check_given(&self, mut arguments: impl Iterator<Item = OsString>) -> Result<(), &'static str> {
        if self.target.is_some() && !self.addr.is_empty() {
            return Err("--target and --addr can't be used together");
        }
        let mut given = 0;
        while let Some(argument) = arguments.next() {
            let argument = argument.to_string_lossy();
            if argument == "--addr" {
                arguments.next(); // its value
            }
            given += usize::from(argument == "--addr" || argument.starts_with("--addr="));
        }
        match given == self.addr.len() {
            true => Ok(()),
            false => Err("give every --addr on the same side of the subcommand"),
        }
    }
}

impl Calls {
    /// What is set for each call.
    pub fn options(&self) -> CallOptions {
        let mut options = CallOptions::new();
        options.timeout = self.deadline;
        options.wait_for_ready = self.wait_for_ready.then_some(true);
        match self.retry {
            Some(attempts) => options.retry(RetryPolicy::default().max_attempts(attempts)),
            None => options,
        }
    }

    fn service_config(&self) -> Result<ServiceConfig, String> {
        let Some(file) = &self.service_config else { return Ok(ServiceConfig::new()) };
        let name = file.display();
        let mut json = String::new();
        let read = File::open(file).and_then(|file| file.take(MOST_CONFIG + 1).read_to_string(&mut json));
        read.map_err(|error| format!("can't read the service config {name}: {error}"))?;
        if json.len() as u64 > MOST_CONFIG {
            return Err(format!("the service config {name} has more than {MOST_CONFIG} bytes"));
        }
        ServiceConfig::from_json(&json).map_err(|error| format!("{name}: {error}"))
    }
}
