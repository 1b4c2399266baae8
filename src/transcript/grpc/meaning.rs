//! What bytes mean to gRPC.

use std::borrow::Cow;

use super::super::meaning;
use super::super::text::{bytes, grouped};

/// What bytes mean to gRPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A message with its prefix.
    Message {
        /// Which of its direction of the call, from 1 on.
        number: usize,
        /// The name of its type, if it is known.
        kind: Option<String>,
        /// Whether it is compressed.
        compressed: u8,
        /// How many bytes follow the prefix.
        length: u32,
    },
    /// A part of a message that is cut over several frames.
    Piece {
        /// Which message.
        number: usize,
        /// How many bytes of it, its prefix included, came before.
        from: usize,
        /// How many it has in all, if that is known yet.
        of: Option<usize>,
    },
    /// The first byte of the prefix.
    Compressed(u8),
    /// The other four: how many bytes follow.
    Length {
        /// How many.
        length: u32,
        /// The name of the message's type, if it is known.
        kind: Option<String>,
    },
    /// A part of a prefix that is cut over several frames.
    Prefix {
        /// How many bytes of the prefix came before.
        from: usize,
    },
    /// Bytes of a message's body that are explained where the message ends.
    Body {
        /// How many bytes of the body came before.
        from: usize,
        /// How many it has in all.
        of: u32,
    },
    /// The body of a compressed message.
    Packed {
        /// The `grpc-encoding` of its head, if there was one.
        encoding: Option<String>,
        /// Why it is not shown unpacked.
        why: Option<&'static str>,
    },
}

impl meaning::Meaning for Meaning {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Meaning::Message { number, .. } | Meaning::Piece { number, .. } => format!("message {number}").into(),
            Meaning::Compressed(_) => "compressed".into(),
            Meaning::Length { .. } => "message length".into(),
            Meaning::Prefix { .. } => "prefix".into(),
            Meaning::Body { .. } => "message bytes".into(),
            Meaning::Packed { .. } => "compressed message".into(),
        }
    }

    fn value(&self) -> Cow<'_, str> {
        match self {
            Meaning::Message { kind, .. } => kind.as_deref().unwrap_or("unknown type").into(),
            Meaning::Compressed(0) => "no".into(),
            Meaning::Compressed(1) => "yes".into(),
            Meaning::Compressed(flag) => flag.to_string().into(),
            Meaning::Length { length, .. } => length.to_string().into(),
            _ => "".into(),
        }
    }

    fn note(&self) -> Cow<'_, str> {
        match self {
            Meaning::Message { length, .. } => bytes(length).into(),
            Meaning::Piece { .. } => "a part".into(),
            Meaning::Compressed(0 | 1) => "flag".into(),
            Meaning::Compressed(_) => "neither 0 nor 1".into(),
            Meaning::Length { kind, .. } => kind.as_deref().unwrap_or("unknown type").into(),
            Meaning::Prefix { from } => format!("of five bytes, from byte {}", from + 1).into(),
            Meaning::Body { from, of } => format!("from byte {} of {}", grouped(from + 1), grouped(of)).into(),
            Meaning::Packed { why: Some(why), .. } => (*why).into(),
            Meaning::Packed { encoding, .. } => encoding.as_deref().unwrap_or_default().into(),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Meaning::Message { number, kind, compressed, length } => {
                let kind = kind.as_ref().map_or_else(String::new, |kind| format!(", a {kind}"));
                let packed = if *compressed == 1 { ", compressed" } else { "" };
                format!("Message {number} of this side{kind}: five bytes of prefix and {}{packed}.", bytes(length))
            }
            Meaning::Piece { number, from: 0, .. } => {
                format!("Message {number} begins here and goes on in later frames: frames and messages need not match.")
            }
            Meaning::Piece { number, .. } => format!("Message {number} goes on here: it began in an earlier frame."),
            Meaning::Compressed(0) => "The message is not compressed.".into(),
            Meaning::Compressed(1) => "The message is compressed with what grpc-encoding in the head says.".into(),
            Meaning::Compressed(flag) => format!("{flag} is neither 0 nor 1, so nobody can tell what follows."),
            Meaning::Length { length: 0, .. } => {
                "No byte follows: all fields of the message have their default values.".into()
            }
            Meaning::Length { length, .. } => format!("The message takes the next {}.", bytes(length)),
            Meaning::Prefix { .. } => "A part of the prefix: the rest is in another frame.".into(),
            Meaning::Body { .. } => "A part of the message. All of it is explained at the frame where it ends.".into(),
            Meaning::Packed { why: Some(why), .. } => format!("These bytes are not shown unpacked: {why}."),
            Meaning::Packed { encoding, .. } => {
                format!("The message, compressed with {}.", encoding.as_deref().unwrap_or("an unknown encoding"))
            }
        }
    }

    fn rule(&self) -> Option<&'static str> {
        Some(match self {
            Meaning::Message { .. } | Meaning::Prefix { .. } => "grpc.length-prefix",
            Meaning::Length { .. } => "grpc.message-length",
            Meaning::Piece { .. } | Meaning::Body { .. } => "grpc.data-boundaries",
            Meaning::Compressed(_) => "grpc.compressed-flag",
            Meaning::Packed { .. } => "grpc.message-encoding",
        })
    }

    fn is_broken(&self) -> bool {
        match self {
            Meaning::Compressed(flag) => *flag > 1,
            Meaning::Packed { why, .. } => why.is_some(),
            _ => false,
        }
    }
}
