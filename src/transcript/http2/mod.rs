//! HTTP/2: a byte stream is cut into [frames](Frame), and a frame into what it says.

mod cut;
mod frame;
mod layout;
mod meaning;
mod names;
mod sentences;
mod told;

pub use cut::{Cut, Frames};
pub(super) use frame::header;
pub use frame::{Frame, PREFACE, Shape};
pub(super) use layout::{Layout, layout};
pub use meaning::{Foreign, Meaning};
pub use names::{error_code, frame_type, setting};
