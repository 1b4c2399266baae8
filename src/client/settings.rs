//! What a channel is made of.

use std::sync::Arc;

use super::subchannel::{Route, Wrap};
use super::target::Target;
use crate::call::Observer;
use crate::limits::ClientLimits;
use crate::policy::ServiceConfig;

/// What a channel is made of, apart from its connections.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) target: Target,
    pub(super) route: Route,
    pub(super) wrap: Option<Wrap>,
    pub(super) limits: ClientLimits,
    pub(super) observer: Option<Observer>,
    pub(super) config: Arc<ServiceConfig>,
}

impl Settings {
    pub(super) fn new(target: Target, route: Route) -> Self {
        let (limits, config) = (ClientLimits::default(), Arc::default());
        Settings { target, route, wrap: None, limits, observer: None, config }
    }
}
