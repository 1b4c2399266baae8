//! Everything that a `.proto` may have, and a word that breaks a naive compiler in most places.

#![deny(warnings)]

pub mod proto {
    //! All packages, each in the module of its name.
    h2grpc::include_proto!();
}

/// Packages that use no others need no nested modules.
pub mod single {
    pub mod plain {
        h2grpc::include_proto!("");
    }
    pub mod stock {
        h2grpc::include_proto!("shop.stock");
    }
    pub mod old {
        h2grpc::include_proto!("Old.Type");
    }
}
