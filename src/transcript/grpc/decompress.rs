//! Compressed messages, unpacked.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::body::{Message, PREFIX};

/// More than this is not unpacked of one message: a few bytes can stand for gigabytes.
const MOST: u64 = 4 * 1024 * 1024;

impl Message {
    /// What it says, without its prefix, and unpacked if it was compressed by `encoding`, the `grpc-encoding` of its head.
    ///
    /// # Errors
    /// Why it cannot be told.
    pub fn payload(&self, encoding: Option<&str>) -> Result<Bytes, &'static str> {
        let bytes = self.bytes.as_ref().ok_or("it is too large to be kept")?;
        let payload = bytes.slice(PREFIX.min(bytes.len())..);
        match self.compressed {
            0 => Ok(payload),
            1 => decompress(encoding, &payload),
            _ => Err("its flag is neither 0 nor 1"),
        }
    }
}

/// Unpacks a message by its `grpc-encoding`; the error says why it cannot be.
pub(super) fn decompress(encoding: Option<&str>, bytes: &[u8]) -> Result<Bytes, &'static str> {
    match encoding {
        Some("gzip") => read(MultiGzDecoder::new(bytes)),
        Some("deflate") => read(ZlibDecoder::new(bytes)),
        Some("identity") | None => Err("the head says no grpc-encoding, which is an INTERNAL error"),
        Some(_) => Err("its grpc-encoding is not known here"),
    }
}

fn read(unpacked: impl Read) -> Result<Bytes, &'static str> {
    let mut bytes = Vec::new();
    unpacked.take(MOST + 1).read_to_end(&mut bytes).map_err(|_| "it is not what its grpc-encoding says")?;
    if bytes.len() as u64 > MOST {
        return Err("it unpacks to more than 4 MiB");
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn messages_are_unpacked_up_to_a_limit() {
        let pack = |bytes: &[u8]| {
            let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
            packer.write_all(bytes).unwrap();
            packer.finish().unwrap()
        };
        assert_eq!(decompress(Some("gzip"), &pack(b"hello")).unwrap(), "hello");
        assert!(decompress(Some("gzip"), &pack(&vec![0; MOST as usize + 1])).unwrap_err().contains("more than"));
        assert!(decompress(Some("gzip"), b"hello").unwrap_err().contains("not what"));
        assert!(decompress(Some("br"), b"hello").unwrap_err().contains("not known"));
        assert!(decompress(None, b"hello").unwrap_err().contains("no grpc-encoding"));
    }
}
