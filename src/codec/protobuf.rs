//! Protocol Buffers, by `prost`.

use bytes::{BufMut, Bytes};
use prost::Message;

use super::Payload;
use crate::status::Status;

impl<T: Message + Default> Payload for T {
    fn encoded_len(&self) -> usize {
        Message::encoded_len(self)
    }

    fn encode(&self, payload: &mut impl BufMut) {
        self.encode_raw(payload);
    }

    fn decode(&mut self, bytes: &[u8], _: impl FnOnce() -> Bytes) -> Result<(), Status> {
        self.clear();
        self.merge(bytes).map_err(|error| {
            let name = std::any::type_name::<T>();
            let name = name.rsplit("::").next().unwrap_or(name);
            Status::internal(format!("{} bytes that should be a {name} are none: {error}", bytes.len()))
        })
    }
}
