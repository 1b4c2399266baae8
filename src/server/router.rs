//! From the path of a call to the method that answers it.

use std::collections::BTreeMap;
use std::{io, sync::Arc};

use super::route::Route;
use crate::limits::MethodLimits;
use crate::service::{Method, Registration};
use crate::status::Status;
use crate::wire::path::Path;

/// The methods of all services, by their paths. Each is found once, when a call's head has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Router {
    routes: BTreeMap<String, Arc<Route>>,
    /// Where calls go to services that are not here.
    fallback: Option<Arc<Route>>,
    services: Vec<(String, Vec<Method>)>,
    /// Limits for methods that there are not, and why.
    misplaced: Vec<String>,
}

impl Router {
    pub(super) fn add(&mut self, registration: Registration) {
        let Registration { service, names, limits, interceptors } = registration;
        for name in names {
            for method in service.methods() {
                let own = limits.iter().rfind(|(limited, _)| limited == method.name);
                let own = own.map(|(_, limits)| *limits).unwrap_or_default();
                let route = Route::new(Arc::clone(&service), interceptors.clone(), own);
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
        self.fallback = Some(Arc::new(Route::new(service, interceptors, MethodLimits::default())));
    }

    /// All services by their names, in the order in which they were added, with their methods.
    pub(super) fn services(&self) -> impl Iterator<Item = (&str, &[Method])> {
        self.services.iter().map(|(name, methods)| (name.as_str(), methods.as_slice()))
    }

    /// Checks that all limits are for methods that exist.
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
