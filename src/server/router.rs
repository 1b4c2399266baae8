//! From the path of a call to the method that answers it.

use std::collections::HashMap;
use std::{fmt, io, sync::Arc};

use super::heavy::Weight;
use crate::call::{IncomingCall, Reply};
use crate::limits::{Limits, MethodLimits};
use crate::service::{AnyService, Interceptor, Method, Registration};
use crate::status::Status;
use crate::wire::path::Path;

/// The methods of all services, by their paths. Each is found once, when a call's head has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Router {
    routes: HashMap<String, Arc<Route>>,
    /// Whoever answers calls to services that are not here.
    fallback: Option<Arc<Route>>,
    services: Vec<(String, Vec<Method>)>,
    /// Limits for methods that there are not, and why.
    misplaced: Vec<String>,
}

/// Where the calls of one method go.
pub(super) struct Route {
    service: Arc<dyn AnyService>,
    interceptors: Vec<Interceptor>,
    limits: MethodLimits,
    pub(super) weight: Weight,
}

impl Router {
    pub(super) fn add(&mut self, registration: Registration) {
        let Registration { service, names, limits, interceptors } = registration;
        for name in names {
            for method in service.methods() {
                let own = limits.iter().rfind(|(limited, _)| limited == method.name);
                let route = Route {
                    service: Arc::clone(&service),
                    interceptors: interceptors.clone(),
                    limits: own.map(|(_, limits)| *limits).unwrap_or_default(),
                    weight: Weight::default(),
                };
                self.routes.insert(format!("/{name}/{}", method.name), Arc::new(route));
            }
            let unknown =
                limits.iter().filter(|(limited, _)| service.methods().iter().all(|method| method.name != limited));
            self.misplaced
                .extend(unknown.map(|(limited, _)| format!("/{name}/{limited}, but the service has no such method")));
            self.list(name, service.methods());
        }
    }

    /// Notes what there is under `name`: of two services with one name, the methods of both.
    fn list(&mut self, name: String, methods: &[Method]) {
        let Some((_, listed)) = self.services.iter_mut().find(|(listed, _)| *listed == name) else {
            return self.services.push((name, methods.to_vec()));
        };
        for method in methods {
            match listed.iter_mut().find(|earlier| earlier.name == method.name) {
                Some(earlier) => *earlier = *method,
                None => listed.push(*method),
            }
        }
    }

    pub(super) fn set_fallback(&mut self, registration: Registration) {
        let Registration { service, interceptors, limits, .. } = registration;
        let nowhere =
            limits.iter().map(|(limited, _)| format!("{limited}, but the fallback has no methods of its own"));
        self.misplaced.extend(nowhere);
        let route = Route { service, interceptors, limits: MethodLimits::default(), weight: Weight::default() };
        self.fallback = Some(Arc::new(route));
    }

    /// All services by their names, in the order in which they were added, with their methods.
    pub(super) fn services(&self) -> impl Iterator<Item = (&str, &[Method])> {
        self.services.iter().map(|(name, methods)| (name.as_str(), methods.as_slice()))
    }

    /// Checks that every limit is for a method that there is.
    pub(super) fn check(&self) -> io::Result<()> {
        match self.misplaced.first() {
            None => Ok(()),
            Some(misplaced) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, format!("there are limits for {misplaced}")))
            }
        }
    }

    /// The method that `path` names.
    ///
    /// # Errors
    /// UNIMPLEMENTED, with the path.
    pub(super) fn find(&self, path: &Path) -> Result<&Arc<Route>, Status> {
        if let Some(route) = self.routes.get(path.as_str()) {
            return Ok(route);
        }
        let service = path.service();
        if self.services.iter().any(|(name, _)| name == service) {
            let method = path.method();
            return Err(Status::unimplemented(format!("{service} has no method {method}, for {path}")));
        }
        let nowhere = || Status::unimplemented(format!("there is no service {service} here, for {path}"));
        self.fallback.as_ref().ok_or_else(nowhere)
    }
}

impl Route {
    /// The longest message that the method takes in, in bytes.
    pub(super) fn max_message(&self, limits: &Limits) -> usize {
        self.limits.max_message.unwrap_or(limits.max_message)
    }

    /// Shows the call to the interceptors, and has the service answer it.
    pub(super) async fn call(&self, mut call: IncomingCall) -> Result<Reply, Status> {
        for look in &self.interceptors {
            look(&mut call)?;
        }
        self.service.call(call).await
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("limits", &self.limits).finish_non_exhaustive()
    }
}
