//! From the path of a call to the method that answers it.

use std::{io, sync::Arc};

use super::route::Route;
use crate::limits::MethodLimits;
use crate::service::{Method, Registration};
use crate::status::Status;
use crate::wire::path::Path;

/// All services and their methods. A call's method is found once, when its head has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Router {
    services: Vec<Served>,
    /// Where calls go to services that are not here.
    fallback: Option<Arc<Route>>,
    /// Limits for methods that there are not, and why.
    misplaced: Vec<String>,
}

/// What there is under one name.
#[derive(Clone, Debug)]
struct Served {
    name: String,
    methods: Vec<Method>,
    /// Where the calls of each of the `methods` go.
    routes: Vec<Arc<Route>>,
}

impl Router {
    pub(super) fn add(&mut self, registration: Registration) {
        let Registration { service, names, limits, interceptors } = registration;
        for name in names {
            let unknown =
                limits.iter().filter(|(limited, _)| service.methods().iter().all(|method| method.name != limited));
            self.misplaced
                .extend(unknown.map(|(limited, _)| format!("/{name}/{limited}, but the service has no such method")));
            let served = self.served(name);
            for method in service.methods() {
                let own = limits.iter().rfind(|(limited, _)| limited == method.name);
                let own = own.map(|(_, limits)| *limits).unwrap_or_default();
                served.add(*method, Route::new(Arc::clone(&service), interceptors.clone(), own));
            }
        }
    }

    /// What there is under `name`: of two services with one name, the methods of both.
    fn served(&mut self, name: String) -> &mut Served {
        let at = self.services.iter().position(|served| served.name == name).unwrap_or_else(|| {
            self.services.push(Served { name, methods: Vec::new(), routes: Vec::new() });
            self.services.len() - 1
        });
        &mut self.services[at]
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
        self.services.iter().map(|served| (served.name.as_str(), served.methods.as_slice()))
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
        let (service, method) = (path.service(), path.method());
        let Some(served) = self.services.iter().find(|served| served.name == service) else {
            let nowhere = || Status::unimplemented(format!("there is no service {service} here, for {path}"));
            return self.fallback.as_ref().ok_or_else(nowhere);
        };
        served
            .find(method)
            .ok_or_else(|| Status::unimplemented(format!("{service} has no method {method}, for {path}")))
    }
}

impl Served {
    fn position(&self, method: &str) -> Option<usize> {
        self.methods.iter().position(|served| served.name == method)
    }

    /// Of two methods with one name, the one that was added last counts.
    fn add(&mut self, method: Method, route: Route) {
        match self.position(method.name) {
            Some(at) => (self.methods[at], self.routes[at]) = (method, Arc::new(route)),
            None => {
                self.methods.push(method);
                self.routes.push(Arc::new(route));
            }
        }
    }

    fn find(&self, method: &str) -> Option<&Arc<Route>> {
        self.position(method).map(|at| &self.routes[at])
    }
}
