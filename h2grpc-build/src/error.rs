use std::{error, fmt, path::Path};

/// Why `.proto` files could not be compiled: which file, which line where there is one, and what is wrong there.
///
/// A build script may return it from `main`: its `Debug` form, which is printed then, is the plain text.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Error(text.into())
    }

    pub(crate) fn of_file(path: &Path, error: impl fmt::Display) -> Self {
        Error(format!("{}: {error}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for Error {}
