//! Payloads that nobody here reads: for proxies and the like.

use bytes::{BufMut, Bytes};

use super::Payload;
use crate::status::Status;

/// A message as its encoded bytes, without the prefix. It comes in without a copy where it lay in one chunk of DATA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw(pub Bytes);

impl Payload for Raw {
    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn encode(&self, payload: &mut impl BufMut) {
        payload.put_slice(&self.0);
    }

    fn decode(&mut self, _: &[u8], shared: impl FnOnce() -> Bytes) -> Result<(), Status> {
        self.0 = shared();
        Ok(())
    }
}
