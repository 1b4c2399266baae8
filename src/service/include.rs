//! `include_proto!`: what `h2grpc-build` made of a package comes into a module.

/// Brings in what `h2grpc-build` made of a package of `.proto` files: its messages, its services, and
/// `FILE_DESCRIPTOR_SET`.
///
/// ```text
/// mod proto {
///     h2grpc::include_proto!("my.package");
/// }
///
/// use proto::{Item, Till, TillClient}; // the message Item; trait and client of the service Till
/// ```
///
/// Messages of other packages are named by paths through `super`, so that packages which use each other need modules
/// that are nested as their names are. Without a name, the macro makes these modules: one for each part of each
/// package's name.
///
/// ```text
/// mod proto {
///     h2grpc::include_proto!();
/// }
///
/// use proto::shop::stock::Item; // the message Item of the package shop.stock
/// ```
///
/// A `.proto` without a package is `include_proto!("")`.
#[macro_export]
macro_rules! include_proto {
    () => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/h2grpc.packages.rs"));
    };
    ("") => {
        $crate::include_proto!("_");
    };
    ($package:literal) => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/", $package, ".rs"));
    };
}
