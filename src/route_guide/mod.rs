//! route_guide
