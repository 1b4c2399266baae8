//! What the attacks need of what the tests share.
#![allow(dead_code)]

#[path = "../../../../../tests/common/bare.rs"]
mod bare;
#[path = "../../../../../tests/common/raw.rs"]
pub mod raw;

pub use bare::*;
