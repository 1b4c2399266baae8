//! What a header block says: its fields, each with the place of its bytes in the block.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::integer::Written;
use super::table::Entry;

/// A decoded header block.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Its fields, and what else stands there, in order.
    pub fields: Vec<Field>,
    /// The entries that it added to the dynamic table, in order.
    pub added: Vec<Arc<Entry>>,
    /// The entries that had to go for them.
    pub evicted: Vec<Arc<Entry>>,
    pub(super) bytes: Bytes,
}

/// One representation in a header block (section 6): mostly a field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its bytes in the block.
    pub at: Range<usize>,
    /// How it is written.
    pub form: Form,
    /// The name; `None` where it is that of an entry from before the recording, or where there is none.
    pub name: Option<Bytes>,
    /// The value; `None` as for the name.
    pub value: Option<Bytes>,
    /// The entry of the dynamic table that it refers to.
    pub entry: Option<Arc<Entry>>,
    pub(super) written: Vec<Written>,
}

/// How a field is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// An index stands for name and value.
    Indexed(usize),
    /// The value in letters, and the name too where the index is 0. It becomes an entry.
    Added(usize),
    /// The same, and it does not become an entry.
    NotAdded(usize),
    /// The same, and nobody who passes it on may make an entry of it: it may be secret.
    NeverIndexed(usize),
    /// No field: the dynamic table gets this size.
    SizeUpdate(usize),
    /// What could not be decoded, and why.
    Broken(String),
}

impl Field {
    /// Whether it is a field, and not a size of the table or what could not be decoded.
    pub fn is_field(&self) -> bool {
        !matches!(self.form, Form::SizeUpdate(_) | Form::Broken(_))
    }
}

impl Block {
    /// The (first) value of a field.
    pub fn get(&self, name: &str) -> Option<&Bytes> {
        let field = self.fields.iter().find(|field| field.name.as_ref().is_some_and(|own| own == name));
        field.and_then(|field| field.value.as_ref())
    }

    /// The fields with a name and a value that are known, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.fields.iter().filter_map(|field| Some((field.name.as_ref()?, field.value.as_ref()?)))
    }

    /// Whether name and value of each field are known: no field refers to an entry from before the recording.
    pub fn is_known(&self) -> bool {
        let known = |field: &Field| field.name.is_some() && field.value.is_some();
        self.fields.iter().all(|field| known(field) || matches!(field.form, Form::SizeUpdate(_)))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Why it could not be decoded to its end.
    pub fn broken(&self) -> Option<&str> {
        self.fields.iter().find_map(|field| match &field.form {
            Form::Broken(why) => Some(&why[..]),
            _ => None,
        })
    }
}
