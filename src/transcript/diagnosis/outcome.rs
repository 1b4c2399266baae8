//! How a call ended, as gRPC sees it.

use super::super::grpc::{Call, Ended};
use crate::wire::Code;

impl Call {
    /// How the call ended, as gRPC sees it: the name of a status code, and the text that came with it.
    pub fn outcome(&self) -> (&'static str, Option<&str>) {
        let code = match (&self.status, self.ended) {
            (Some(status), _) => status.parse().ok().map_or(Some("UNKNOWN"), |code| Code::from_u32(code).name()),
            (None, Some(Ended::Reset { code, .. })) => Some(status_of(code)),
            (None, _) => match self.http_status.as_deref().and_then(|status| status.parse().ok()) {
                Some(http::StatusCode::OK) | None => Some("UNKNOWN"),
                Some(status) => Code::from_http_status(status).name(),
            },
        };
        (code.unwrap_or("UNKNOWN"), self.message.as_deref())
    }
}

/// The status that an RST_STREAM with this error code stands for.
pub(super) fn status_of(code: u32) -> &'static str {
    Code::from_reset(code).name().unwrap_or("UNKNOWN")
}
