//! What bytes mean to HPACK.

use std::borrow::Cow;

use bytes::Bytes;

use super::super::grpc::fields as known;
use super::super::meaning;
use super::super::text::{bytes, quotable};
use super::fields::Form;
use super::table::STATIC_ENTRIES;

/// What bytes mean to HPACK.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// A header field, or what stands in its place.
    Field {
        /// How it is written.
        form: Form,
        /// Its name; `None` where it is not known.
        name: Option<Bytes>,
        /// Its value; `None` where it is not known.
        value: Option<Bytes>,
        /// Whether a string of it is in the Huffman code.
        huffman: bool,
    },
    /// The first bytes of a field in letters: how it is written, and where its name is.
    Form(Form),
    /// The length of a string.
    Length {
        /// Whether of a name or a value.
        of: Role,
        /// Whether it is in the Huffman code.
        huffman: bool,
        /// How many octets it takes.
        length: usize,
    },
    /// A string.
    Text {
        /// Whether a name or a value.
        of: Role,
        /// Whether it is in the Huffman code.
        huffman: bool,
        /// Its letters.
        text: Bytes,
    },
    /// In a [`Pane`](super::super::Pane): a letter that stands there in the Huffman code.
    Letter {
        /// The first of its bits, counted from the string's first.
        from: usize,
        /// How many bits it has.
        bits: u8,
        /// The bits as a number.
        code: u32,
    },
}

/// Which of a field's strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Its name.
    Name,
    /// Its value.
    Value,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Role::Name => "name",
            Role::Value => "value",
        }
    }
}

impl meaning::Meaning for Meaning {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Meaning::Field { form: Form::SizeUpdate(_), .. } => "dynamic table size".into(),
            Meaning::Field { form: Form::Broken(_), .. } => "not decoded".into(),
            Meaning::Field { name: Some(name), .. } => String::from_utf8_lossy(name),
            Meaning::Field { name: None, .. } => "unknown".into(),
            Meaning::Form(_) => "form".into(),
            Meaning::Length { of: Role::Name, .. } => "name length".into(),
            Meaning::Length { of: Role::Value, .. } => "value length".into(),
            Meaning::Text { of, .. } => of.word().into(),
            Meaning::Letter { .. } => "letter".into(),
        }
    }

    fn value(&self) -> Cow<'_, str> {
        match self {
            Meaning::Field { form: Form::SizeUpdate(size), .. } => size.to_string().into(),
            Meaning::Field { form: Form::Broken(_), .. } => "".into(),
            Meaning::Field { value: Some(value), .. } => String::from_utf8_lossy(value),
            Meaning::Field { value: None, .. } => "unknown".into(),
            Meaning::Form(
                Form::Indexed(index) | Form::Added(index) | Form::NotAdded(index) | Form::NeverIndexed(index),
            ) => {
                if *index == 0 {
                    "new name".into()
                } else {
                    format!("name {index}").into()
                }
            }
            Meaning::Form(_) => "".into(),
            Meaning::Length { length, .. } => length.to_string().into(),
            Meaning::Text { text, .. } => String::from_utf8_lossy(text),
            Meaning::Letter { bits, code, .. } => format!("{code:0width$b}", width = usize::from(*bits)).into(),
        }
    }

    fn note(&self) -> Cow<'_, str> {
        match self {
            Meaning::Field { form, name, value, huffman } => {
                let hint = known::hint(name.as_deref().unwrap_or_default(), value.as_deref().unwrap_or_default());
                let mut note = hint.map_or_else(String::new, |hint| format!("{hint}; ")) + &described(form);
                if *huffman {
                    note += "; Huffman";
                }
                if (name.is_none() || value.is_none()) && !matches!(form, Form::SizeUpdate(_) | Form::Broken(_)) {
                    note += "; added before the recording began";
                }
                note.into()
            }
            Meaning::Form(form) => written(form).into(),
            Meaning::Length { huffman: true, .. } => "octets of Huffman code".into(),
            Meaning::Length { huffman: false, .. } => "octets".into(),
            Meaning::Text { huffman: true, .. } => "Huffman".into(),
            Meaning::Text { .. } => "".into(),
            Meaning::Letter { from, bits, .. } => format!("bits {from} to {}", from + usize::from(*bits) - 1).into(),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Meaning::Field { form: Form::SizeUpdate(0), .. } => "The dynamic table is emptied.".into(),
            Meaning::Field { form: Form::SizeUpdate(size), .. } => {
                format!("From here on the dynamic table holds at most {}.", bytes(size))
            }
            Meaning::Field { form: Form::Broken(why), .. } => {
                format!("This cannot be decoded: {why}. It is a COMPRESSION_ERROR, which ends the connection.")
            }
            Meaning::Field { form, name, value, .. } => {
                let (name, value) = (name.as_deref().unwrap_or_default(), value.as_deref().unwrap_or_default());
                format!("{} {}", known::sentence(name, value), how(form)).trim().to_owned()
            }
            Meaning::Form(form) => how(form),
            Meaning::Length { of, huffman: true, length } => format!(
                "The {} takes {}. The first bit is set: its letters are written in the Huffman code.",
                of.word(),
                bytes(length)
            ),
            Meaning::Length { of, huffman: false, length } => {
                format!("The {} takes {}, a letter in each.", of.word(), bytes(length))
            }
            Meaning::Text { of, huffman: true, text } => format!(
                "The {} \"{}\" in the Huffman code, where frequent letters have five bits and rare ones up to thirty.",
                of.word(),
                quotable(text)
            ),
            Meaning::Text { of, text, .. } => format!("The {} \"{}\".", of.word(), quotable(text)),
            Meaning::Letter { bits, .. } => format!("A letter of {bits} bits."),
        }
    }

    fn rule(&self) -> Option<&'static str> {
        Some(match self {
            Meaning::Field { form: Form::SizeUpdate(_), .. } => "hpack.size-update",
            Meaning::Field { form: Form::Broken(_), .. } => "h2.header-block-decoded",
            Meaning::Field { form: Form::Indexed(index), .. } if *index <= STATIC_ENTRIES => "hpack.static-table",
            Meaning::Field { form: Form::Indexed(_), .. } => "hpack.dynamic-table",
            Meaning::Field { form: Form::Added(_), .. } | Meaning::Form(Form::Added(_)) => "hpack.literal-added",
            Meaning::Field { form: Form::NotAdded(_), .. } | Meaning::Form(Form::NotAdded(_)) => {
                "hpack.literal-not-added"
            }
            Meaning::Field { form: Form::NeverIndexed(_), .. } | Meaning::Form(_) => "hpack.literal-never-indexed",
            Meaning::Length { .. } => "hpack.integer",
            Meaning::Text { huffman: true, .. } | Meaning::Letter { .. } => "hpack.huffman",
            Meaning::Text { .. } => "hpack.string",
        })
    }

    fn is_broken(&self) -> bool {
        matches!(self, Meaning::Field { form: Form::Broken(_), .. })
    }
}

/// How a field is written, in a few words.
fn described(form: &Form) -> String {
    match form {
        Form::Indexed(index) => {
            let table = if *index <= STATIC_ENTRIES { "static" } else { "dynamic" };
            format!("indexed {index} of the {table} table")
        }
        Form::Added(0) | Form::NotAdded(0) | Form::NeverIndexed(0) => format!("literal, {}; new name", written(form)),
        Form::Added(index) | Form::NotAdded(index) | Form::NeverIndexed(index) => {
            format!("literal, {}; name {index}", written(form))
        }
        Form::SizeUpdate(_) => "size update".into(),
        Form::Broken(why) => format!("COMPRESSION_ERROR: {why}"),
    }
}

fn written(form: &Form) -> &'static str {
    match form {
        Form::Added(_) => "added",
        Form::NotAdded(_) => "not added",
        Form::NeverIndexed(_) => "never indexed",
        _ => "",
    }
}

/// How a field is written, as a sentence.
fn how(form: &Form) -> String {
    let name = |index: &usize| match index {
        0 => "Name and value follow in letters".to_owned(),
        index => format!("The name is that of entry {index}, the value follows in letters"),
    };
    match form {
        Form::Indexed(index) if *index <= STATIC_ENTRIES => {
            format!("One number stands for it: entry {index} of the table that every HTTP/2 program has.")
        }
        Form::Indexed(index) => {
            format!("One number stands for it: entry {index}, which earlier bytes of this connection have added.")
        }
        Form::Added(index) => format!("{}; it becomes an entry that later fields can refer to.", name(index)),
        Form::NotAdded(index) => format!("{}; it does not become an entry.", name(index)),
        Form::NeverIndexed(index) => {
            format!("{}; nobody may make an entry of it, because it may be secret.", name(index))
        }
        Form::SizeUpdate(_) | Form::Broken(_) => String::new(),
    }
}
