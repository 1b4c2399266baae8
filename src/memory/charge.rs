//! Bytes that are charged to an account until they are dropped.

use std::sync::Arc;

use super::account::Account;
use super::costs::FRAME;
use crate::status::Status;

/// Memory that is held for a call, charged to its connection as long as this lives. Dropping it ends the charge.
///
/// A service that stores what its callers send says so with it: see
/// [`CallContext::charge`](crate::call::CallContext::charge).
#[derive(Debug, Default)]
pub struct Charge {
    /// None where nothing is counted: on a client.
    account: Option<Arc<Account>>,
    bytes: usize,
}

impl Charge {
    pub(crate) fn new(account: Option<Arc<Account>>) -> Self {
        Charge { account, bytes: 0 }
    }

    /// How many bytes are charged.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Charges `bytes` in place of what was charged before.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when the connection would hold more than it may; what was charged before still is.
    pub fn set(&mut self, bytes: usize) -> Result<(), Status> {
        match &self.account {
            Some(account) if bytes > self.bytes && !account.try_add(bytes - self.bytes) => {
                return Err(Status::resource_exhausted(format!(
                    "the calls of this connection hold {} bytes, and {} more would be over the server's limit of {} \
                     (connection_memory, and at most a quarter of memory): make fewer calls at once, or shorter ones",
                    account.held(),
                    bytes - self.bytes,
                    account.of_connection()
                )));
            }
            _ if bytes > self.bytes => self.bytes = bytes,
            _ => self.settle(bytes),
        }
        Ok(())
    }

    /// Charges `bytes` in place of what was charged before, though it may be too much: for what is held already, and has
    /// its own limit.
    #[inline]
    pub(crate) fn settle(&mut self, bytes: usize) {
        if bytes == self.bytes {
            return;
        }
        if let Some(account) = &self.account {
            match bytes > self.bytes {
                true => account.add(bytes - self.bytes),
                false => account.remove(self.bytes - bytes),
            }
        }
        self.bytes = bytes;
    }

    /// A charge of nothing yet, to the same account.
    pub(crate) fn another(&self) -> Self {
        Charge::new(self.account.clone())
    }

    pub(crate) fn account(&self) -> Option<&Arc<Account>> {
        self.account.as_ref()
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.settle(0);
    }
}

/// DATA that h2 holds.
#[derive(Debug)]
pub(crate) struct Queued {
    account: Arc<Account>,
    bytes: usize,
}

impl Queued {
    /// Charges a DATA frame that takes `bytes`.
    pub(crate) fn new(account: &Arc<Account>, bytes: usize) -> Self {
        let bytes = bytes + FRAME;
        account.queue(bytes);
        Queued { account: Arc::clone(account), bytes }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.account.unqueue(self.bytes);
    }
}
