//! A server or a tap in a process of its own, watched from outside.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::Result;

/// How long one that was told to stop may take: its drain time-out and a little more.
const STOPS: Duration = Duration::from_secs(40);

/// A server or a tap that runs. It is killed when this is dropped.
pub struct Watched {
    child: Child,
    pub address: SocketAddr,
}

/// What it holds, and what it has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Resident memory in bytes.
    pub resident: u64,
    pub descriptors: usize,
    /// User and system time of all its threads.
    pub cpu: Duration,
}

impl Watched {
    /// Starts `program`, or this program's own server, on a free port.
    pub fn start(program: Option<&Path>) -> Result<Watched> {
        let mut command = match program {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(["--addr", "127.0.0.1:0"]);
                command
            }
            None => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("serve");
                command
            }
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        let output = child.stdout.take();
        Watched::listening(child, output)
    }

    /// Starts the tap `program` before `server`, on a free port. What it prints must be read.
    pub fn start_tap(program: &Path, server: SocketAddr, arguments: &[&str]) -> Result<(Watched, ChildStdout)> {
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--to", &server.to_string()]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let (told, said) = (child.stdout.take(), child.stderr.take());
        let watched = Watched::listening(child, said)?;
        Ok((watched, told.ok_or("the tap has no output")?))
    }

    /// Waits until it has said where it listens.
    fn listening(child: Child, output: Option<impl Read + Send + 'static>) -> Result<Watched> {
        let mut watched = Watched { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut output = BufReader::new(output.ok_or("it has no output")?);
        let mut line = String::new();
        while output.read_line(&mut line)? > 0 {
            if let Some(port) = port(&line) {
                watched.address.set_port(port);
                // It may say more, and somebody must take that.
                std::thread::spawn(move || io::copy(&mut output, &mut io::sink()));
                return Ok(watched);
            }
            line.clear();
        }
        Err("it ended without a line that names 127.0.0.1 and its port".into())
    }

    pub fn sample(&self) -> Result<Sample> {
        let id = self.child.id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        let kib: u64 = resident.ok_or("it has ended")?.parse()?;
        let descriptors = std::fs::read_dir(format!("/proc/{id}/fd"))?.count();
        let cpu = clock_getcpuclockid(self.pid()?).and_then(clock_gettime)?;
        Ok(Sample { resident: kib * 1024, descriptors, cpu: cpu.into() })
    }

    /// Waits until it holds no more descriptors than `most`, for `patience` at most. What it holds then.
    pub async fn settle(&self, most: usize, patience: Duration) -> Result<Sample> {
        let begin = Instant::now();
        loop {
            let sample = self.sample()?;
            if sample.descriptors <= most || begin.elapsed() > patience {
                return Ok(sample);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stops it by SIGTERM, and tells how long that took.
    pub fn stop(mut self) -> Result<Duration> {
        let begin = Instant::now();
        kill(self.pid()?, Signal::SIGTERM)?;
        while begin.elapsed() < STOPS {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(begin.elapsed()),
                Some(status) => return Err(format!("after SIGTERM it ended with {status}").into()),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        Err(format!("{STOPS:?} after SIGTERM it still runs").into())
    }

    fn pid(&self) -> Result<Pid> {
        Ok(Pid::from_raw(self.child.id().try_into()?))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn port(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("127.0.0.1:")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Bytes in MiB.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1 << 20) as f64
}
