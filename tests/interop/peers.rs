//! The peers' interpreters and packages, installed once below Cargo's target directory and reused from then on.

use std::{
    fs::{self, File, TryLockError},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use crate::{process, source};

/// For a question to an interpreter.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// For one step of an installation.
const INSTALL_TIME: Duration = Duration::from_secs(300);

/// For another process that is installing the same: as long as all of its steps may take.
const LOCK_TIME: Duration = Duration::from_secs(1000);

/// An interpreter with its packages.
pub struct Peer {
    program: PathBuf,
    environment: [(&'static str, PathBuf); 1],
    options: &'static [&'static str],
}

impl Peer {
    /// The command that runs a script, to be completed with the script's arguments.
    pub fn script(&self, file: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(self.environment.clone()).args(self.options).arg(file);
        command
    }
}

/// Python with grpcio, in a virtual environment, or why there is none.
pub fn python() -> Result<&'static Peer, String> {
    static PYTHON: LazyLock<Result<Peer, String>> =
        LazyLock::new(|| python_with("python", "tests/interop/requirements.txt"));
    PYTHON.as_ref().map_err(String::clone)
}

/// Python with these requirements, in a virtual environment of this name, or why there is none.
pub fn python_with(name: &str, requirements: &str) -> Result<Peer, String> {
    let question = "import sys; print(sys.version); sys.exit(sys.version_info < (3, 8))";
    let version = version("python3", &["-c", question], "3.8")?;
    let requirements = source(requirements);
    let home = installed(name, &version, &[&requirements], |home| {
        step(Command::new("python3").args(["-m", "venv"]).arg(home))?;
        step(
            Command::new(home.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "2"])
                .args(["--only-binary", ":all:", "--requirement"])
                .arg(&requirements),
        )
    })?;
    // -B: no compiled files beside the scripts.
    Ok(Peer { program: home.join("bin/python"), environment: [("PYTHONUTF8", "1".into())], options: &["-B"] })
}

/// Node with grpc-js, or why there is none.
pub fn node() -> Result<&'static Peer, String> {
    static NODE: LazyLock<Result<Peer, String>> = LazyLock::new(|| node_with("node", "tests/interop"));
    NODE.as_ref().map_err(String::clone)
}

/// Node with the packages of a folder that has a package-lock.json, installed under this name, or why there is none.
pub fn node_with(name: &str, folder: &str) -> Result<Peer, String> {
    let question = "console.log(process.version); process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)";
    let version = version("node", &["-e", question], "20")?;
    let files = ["package.json", "package-lock.json"].map(|file| source(folder).join(file));
    let home = installed(name, &version, &[&files[0], &files[1]], |home| {
        fs::create_dir_all(home).map_err(|error| format!("cannot create {}: {error}", home.display()))?;
        for file in &files {
            let copy = home.join(file.file_name().unwrap_or_default());
            fs::copy(file, &copy).map_err(|error| format!("cannot write {}: {error}", copy.display()))?;
        }
        step(
            Command::new("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"])
                .args(["--loglevel=error", "--fetch-retries=1", "--omit-lockfile-registry-resolved"])
                .current_dir(home),
        )
    })?;
    Ok(Peer { program: "node".into(), environment: [("NODE_PATH", home.join("node_modules"))], options: &[] })
}

/// Where the installations go; Cargo has made it.
pub fn directory() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// What `program` prints about itself; `question` makes it exit with another code than 0 when it is too old.
fn version(program: &str, question: &[&str], oldest: &str) -> Result<String, String> {
    let output = process::run(Command::new(program).args(question), ANSWER_TIME)
        .map_err(|error| format!("{program} {oldest} or newer is needed: {}", on_one_line(&error)))?;
    if output.succeeded() {
        Ok(output.stdout)
    } else {
        Err(format!("{program} {oldest} or newer is needed, found {}", on_one_line(&output.stdout)))
    }
}

/// The directory that `install` has filled for this interpreter's version and these requirements: by an earlier
/// run, or now. Of several test processes one installs and the others wait.
fn installed(
    name: &str, version: &str, requirements: &[&Path], install: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    version.hash(&mut hasher);
    for file in requirements {
        fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?.hash(&mut hasher);
    }
    let home = directory().join(format!("interop-{name}-{:016x}", hasher.finish()));
    let stamp = home.join("complete");

    let _lock = locked(&directory().join(format!("interop-{name}.lock")))?;
    if !stamp.exists() {
        // What an interrupted installation has left.
        let _ = fs::remove_dir_all(&home);
        install(&home).map_err(|error| format!("{name}'s packages cannot be installed: {}", on_one_line(&error)))?;
        File::create(&stamp).map_err(|error| format!("cannot write {}: {error}", stamp.display()))?;
    }
    Ok(home)
}

/// A file that this process alone holds until it is dropped. The system lets go of it when a process dies.
fn locked(path: &Path) -> Result<File, String> {
    let file = File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_TIME => thread::sleep(Duration::from_millis(100)),
            Err(error) => return Err(format!("cannot lock {}: {error}", path.display())),
        }
    }
}

fn step(command: &mut Command) -> Result<(), String> {
    let output = process::run(command, INSTALL_TIME)?;
    if output.succeeded() { Ok(()) } else { Err(output.to_string()) }
}

/// The reason stands on the line of an ignored trial.
pub fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
