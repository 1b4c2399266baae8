//! Child processes whose output is kept, whose waits end, and which do not outlive their owner.

use std::{
    fmt,
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often a wait looks again.
const PAUSE: Duration = Duration::from_millis(5);

/// How long output may still come in after the process has ended: a child of its own may hold the pipes open.
const LAST_OUTPUT: Duration = Duration::from_secs(5);

/// Runs `command` to its end.
pub fn run(command: &mut Command, within: Duration) -> Result<Output, String> {
    Process::spawn(command)?.wait(within)
}

/// A running child process. Dropping it kills it.
pub struct Process {
    name: String,
    child: Child,
    /// Closed when this is dropped, which a script may take as the sign to end.
    _stdin: Option<ChildStdin>,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: [JoinHandle<()>; 2],
}

impl Process {
    pub fn spawn(command: &mut Command) -> Result<Self, String> {
        Self::spawn_into(command, Stdio::piped(), Stdio::piped())
    }

    /// The same with its output going elsewhere; what is not piped is not kept.
    pub fn spawn_into(command: &mut Command, stdout: Stdio, stderr: Stdio) -> Result<Self, String> {
        let name = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        let (stdout, out_reader) = kept(child.stdout.take());
        let (stderr, err_reader) = kept(child.stderr.take());
        let _stdin = child.stdin.take();
        Ok(Self { name, child, _stdin, stdout, stderr, readers: [out_reader, err_reader] })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `find` makes something of a whole line of standard output.
    pub fn wait_for_line<T>(
        &mut self, within: Duration, what: &str, find: impl Fn(&str) -> Option<T>,
    ) -> Result<T, String> {
        let stdout = Arc::clone(&self.stdout);
        self.wait_for(&stdout, within, what, find)
    }

    /// The same of standard error.
    pub fn wait_for_error_line<T>(
        &mut self, within: Duration, what: &str, find: impl Fn(&str) -> Option<T>,
    ) -> Result<T, String> {
        let stderr = Arc::clone(&self.stderr);
        self.wait_for(&stderr, within, what, find)
    }

    fn wait_for<T>(
        &mut self, output: &Mutex<String>, within: Duration, what: &str, find: impl Fn(&str) -> Option<T>,
    ) -> Result<T, String> {
        let start = Instant::now();
        loop {
            let ended = self.exit_status()?.is_some() && self.readers.iter().all(JoinHandle::is_finished);
            if let Some(found) = lock(output).lines().find_map(&find) {
                return Ok(found);
            }
            if ended {
                return Err(format!("ended without a line with {what}: {}", self.so_far()));
            }
            if start.elapsed() > within {
                return Err(format!("no line with {what} within {within:?}: {}", self.so_far()));
            }
            thread::sleep(PAUSE);
        }
    }

    /// Sends SIGTERM. The shell is asked, since std knows no signals.
    pub fn terminate(&self) -> Result<(), String> {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.id())).status();
        match sent {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("cannot send SIGTERM ({other:?}) to {}", self.so_far())),
        }
    }

    /// Waits for the end; a process that takes longer is killed.
    pub fn wait(mut self, within: Duration) -> Result<Output, String> {
        let start = Instant::now();
        let status = loop {
            match self.exit_status()? {
                Some(status) => break status,
                None if start.elapsed() > within => {
                    return Err(format!("did not end within {within:?}: {}", self.so_far()));
                }
                None => thread::sleep(PAUSE),
            }
        };
        let ended = Instant::now();
        while !self.readers.iter().all(JoinHandle::is_finished) && ended.elapsed() < LAST_OUTPUT {
            thread::sleep(PAUSE);
        }
        Ok(Output { status: Some(status), ..self.so_far() })
    }

    /// What has been printed until now.
    pub fn so_far(&self) -> Output {
        Output {
            name: self.name.clone(),
            status: None,
            stdout: lock(&self.stdout).clone(),
            stderr: lock(&self.stderr).clone(),
        }
    }

    fn exit_status(&mut self) -> Result<Option<ExitStatus>, String> {
        self.child.try_wait().map_err(|error| format!("cannot wait for {}: {error}", self.name))
    }
}

impl Drop for Process {
    /// Errors say only that the process has already ended.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has printed, and how it ended.
pub struct Output {
    name: String,
    /// `None` while it runs.
    status: Option<ExitStatus>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// The exit code, once it has ended by itself.
    pub fn code(&self) -> Option<i32> {
        self.status?.code()
    }

    /// Whether it has ended with exit code 0.
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => writeln!(f, "{}: {status}", self.name)?,
            None => writeln!(f, "{}: running", self.name)?,
        }
        write!(f, "--- its standard output\n{}\n--- its standard error\n{}", self.stdout.trim(), self.stderr.trim())
    }
}

/// Keeps what comes out of `pipe`, so that the child never waits for a reader.
fn kept(pipe: Option<impl Read + Send + 'static>) -> (Arc<Mutex<String>>, JoinHandle<()>) {
    let text = Arc::new(Mutex::new(String::new()));
    let keep = Arc::clone(&text);
    let reader = thread::spawn(move || {
        let Some(pipe) = pipe else { return };
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            lock(&keep).push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    (text, reader)
}

fn lock(text: &Mutex<String>) -> MutexGuard<'_, String> {
    text.lock().unwrap_or_else(PoisonError::into_inner)
}
