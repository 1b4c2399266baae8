//! What a service is to the server, and `service!`, which makes one of a declaration.

use std::future::Future;

use crate::call::{IncomingCall, Reply};
use crate::status::Status;

/// A set of methods under one name. [`service!`](crate::service) implements it; by hand it is needed for proxies and
/// the like.
pub trait Service: Send + Sync + 'static {
    /// The methods, in the order of their declaration.
    const METHODS: &'static [Method];

    /// Whether calls to the service `name`, such as `routeguide.RouteGuide`, are for this one.
    fn serves(&self, name: &str) -> bool;

    /// Answers one call to `method`, which is one of [`METHODS`](Self::METHODS).
    fn call(&self, method: &'static Method, call: IncomingCall) -> impl Future<Output = Result<Reply, Status>> + Send;
}

/// One method of a service, as its declaration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its name on the wire, such as `GetFeature`.
    pub name: &'static str,
    /// The declared type of the request's messages.
    pub request: &'static str,
    /// Whether the request is a stream of messages.
    pub client_streaming: bool,
    /// The declared type of the answer's messages.
    pub response: &'static str,
    /// Whether the answer is a stream of messages.
    pub server_streaming: bool,
}

/// Declares a gRPC service as its `.proto` does: a trait to implement for the server, and a typed client.
///
/// ```
/// # mod proto {
/// #     #[derive(Clone, PartialEq, prost::Message)] pub struct Text { #[prost(string, tag = "1")] pub text: String }
/// # }
/// use h2grpc::call::{Inbound, Outbound, Request};
/// use h2grpc::status::Status;
/// use proto::Text;
///
/// h2grpc::service! {
///     /// Says things back.
///     pub service Echo("demo.Echo") client EchoClient {
///         /// Says one thing back.
///         rpc Say    as say    (Text)        returns (Text);
///         /// Says one thing several times.
///         rpc Repeat as repeat (Text)        returns (stream Text);
///         /// Joins many things.
///         rpc Join   as join   (stream Text) returns (Text);
///         /// Says each thing back as it comes.
///         rpc Chat   as chat   (stream Text) returns (stream Text);
///     }
/// }
///
/// struct Parrot;
///
/// impl Echo for Parrot {
///     async fn say(&self, request: Request<Text>) -> Result<Text, Status> {
///         Ok(request.message)
///     }
///     async fn repeat(&self, request: Request<Text>, texts: &mut Outbound<Text>) -> Result<(), Status> {
///         for _ in 0..3 {
///             texts.send(&request.message).await?; // waits while the client does not read
///         }
///         Ok(())
///     }
///     async fn join(&self, mut texts: Inbound<Text>) -> Result<Text, Status> {
///         let mut all = Text::default();
///         while let Some(next) = texts.next().await? {
///             all.text += &next.text;
///         }
///         Ok(all)
///     }
///     async fn chat(&self, mut texts: Inbound<Text>, answers: &mut Outbound<Text>) -> Result<(), Status> {
///         while let Some(text) = texts.next().await? {
///             answers.send(text).await?;
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// A method that `returns (encoded Text)` has one answer too, but its handler gives it as bytes that were encoded
/// before, as an [`Encoded`](crate::codec::Encoded): for answers that don't change between calls. Streams take such
/// bytes by [`Outbound::send_encoded`](crate::call::Outbound::send_encoded).
///
/// The trait has one method for each `rpc`, in the four shapes of [`call`](crate::call), and `into_service`, whose
/// result [`Server::add`](crate::server::Server::add) takes. The client has the same methods, see
/// [`Caller`](crate::client::Caller) for their shapes.
#[macro_export]
macro_rules! service {
    (
        $(#[$about:meta])*
        $vis:vis service $Service:ident ($name:literal) client $Client:ident {
            $( $(#[$doc:meta])* rpc $Method:ident as $method:ident ($($request:tt)+) returns ($($response:tt)+); )+
        }
    ) => {
        $(#[$about])*
        $vis trait $Service: Send + Sync + Sized + 'static {
            $( $crate::service! { @handler $(#[$doc])* $method ($($request)+) ($($response)+) } )+

            /// This implementation as a service of a server.
            fn into_service(self) -> $crate::server::Named<impl $crate::server::Service> {
                struct Dispatch<T>(T);

                impl<T: $Service> $crate::server::Service for Dispatch<T> {
                    const METHODS: &'static [$crate::server::Method] = $Client::METHODS;

                    fn serves(&self, name: &str) -> bool {
                        name == $name
                    }

                    async fn call(
                        &self, method: &'static $crate::server::Method, call: $crate::call::IncomingCall,
                    ) -> Result<$crate::call::Reply, $crate::status::Status> {
                        let Dispatch(service) = self;
                        match method.name {
                            $( stringify!($Method) => {
                                $crate::service! { @answer service call $method ($($request)+) ($($response)+) }
                            } )+
                            other => Err($crate::status::Status::unimplemented(other)),
                        }
                    }
                }

                $crate::server::Named::new(Dispatch(self))
            }
        }

        #[doc = concat!("Calls the methods of `", $name, "`.")]
        #[derive(Clone, Debug)]
        $vis struct $Client {
            caller: $crate::client::Caller,
        }

        #[allow(dead_code)]
        impl $Client {
            /// The service's full name.
            pub const NAME: &'static str = $name;

            /// The methods, in the order of their declaration.
            pub const METHODS: &'static [$crate::server::Method] = &[
                $( $crate::server::Method {
                    name: stringify!($Method),
                    request: $crate::service!(@name $($request)+),
                    client_streaming: $crate::service!(@streams $($request)+),
                    response: $crate::service!(@name $($response)+),
                    server_streaming: $crate::service!(@streams $($response)+),
                } ),+
            ];

            /// Calls over `channel`.
            pub fn new(channel: $crate::client::Channel) -> Self {
                $Client { caller: $crate::client::Caller::new(channel, $name, Self::METHODS) }
            }

            /// The same client for a server that has the service under another name.
            pub fn named(&self, name: &str) -> Self {
                $Client { caller: self.caller.named(name) }
            }

            /// The same client, whose calls have `options`: a deadline, metadata.
            pub fn with(&self, options: $crate::call::CallOptions) -> Self {
                $Client { caller: self.caller.with(options) }
            }

            $( $crate::service! { @call $(#[$doc])* $Method $method ($($request)+) ($($response)+) } )+
        }
    };

    // A method of the server's trait.
    (@handler $(#[$doc:meta])* $method:ident ($($request:tt)+) (stream $R:ty)) => {
        $(#[$doc])*
        fn $method(
            &self, request: $crate::service!(@request $($request)+), responses: &mut $crate::call::Outbound<$R>,
        ) -> impl ::core::future::Future<Output = Result<(), $crate::status::Status>> + Send;
    };
    (@handler $(#[$doc:meta])* $method:ident ($($request:tt)+) ($($response:tt)+)) => {
        $(#[$doc])*
        fn $method(
            &self, request: $crate::service!(@request $($request)+),
        ) -> impl ::core::future::Future<
            Output = Result<$crate::service!(@response $($response)+), $crate::status::Status>,
        > + Send;
    };
    (@request stream $Q:ty) => { $crate::call::Inbound<$Q> };
    (@request $Q:ty) => { $crate::call::Request<$Q> };
    (@response encoded $R:ty) => { $crate::codec::Encoded<$R> };
    (@response $R:ty) => { $R };

    // From a call that arrived to the handler, and back.
    (@answer $service:ident $call:ident $method:ident (stream $Q:ty) (stream $R:ty)) => {{
        let (requests, mut responses) = $call.bidirectional();
        $service.$method(requests, &mut responses).await.map(|()| $crate::call::Reply::new())
    }};
    (@answer $service:ident $call:ident $method:ident ($Q:ty) (stream $R:ty)) => {{
        let (request, mut responses) = $call.server_streaming().await?;
        $service.$method(request, &mut responses).await.map(|()| $crate::call::Reply::new())
    }};
    (@answer $service:ident $call:ident $method:ident (stream $Q:ty) ($($response:tt)+)) => {
        $crate::service!(@frames $service.$method($call.client_streaming()).await?, $($response)+)
    };
    (@answer $service:ident $call:ident $method:ident ($Q:ty) ($($response:tt)+)) => {
        $crate::service!(@frames $service.$method($call.unary().await?).await?, $($response)+)
    };
    (@frames $answer:expr, encoded $R:ty) => { Ok($answer.into_frames()) };
    (@frames $answer:expr, $R:ty) => { Ok($crate::codec::Encoded::new(::core::slice::from_ref(&$answer))?.into_frames()) };

    // What the method table says of a request or a response.
    (@name stream $T:ty) => { stringify!($T) };
    (@name encoded $T:ty) => { stringify!($T) };
    (@name $T:ty) => { stringify!($T) };
    (@streams stream $T:ty) => { true };
    (@streams $($one:tt)+) => { false };

    // A method of the client.
    (@call $(#[$doc:meta])* $Method:ident $method:ident ($($request:tt)+) (encoded $R:ty)) => {
        $crate::service! { @call $(#[$doc])* $Method $method ($($request)+) ($R) }
    };
    (@call $(#[$doc:meta])* $Method:ident $method:ident (stream $Q:ty) (stream $R:ty)) => {
        $(#[$doc])*
        pub async fn $method(
            &self,
        ) -> Result<($crate::call::Outbound<$Q>, $crate::call::Answers<$R>), $crate::status::Status> {
            self.caller.bidirectional(stringify!($Method)).await
        }
    };
    (@call $(#[$doc:meta])* $Method:ident $method:ident (stream $Q:ty) ($R:ty)) => {
        $(#[$doc])*
        pub async fn $method(
            &self,
        ) -> Result<($crate::call::Outbound<$Q>, $crate::call::Answer<$R>), $crate::status::Status> {
            self.caller.client_streaming(stringify!($Method)).await
        }
    };
    (@call $(#[$doc:meta])* $Method:ident $method:ident ($Q:ty) (stream $R:ty)) => {
        $(#[$doc])*
        pub async fn $method(&self, message: $Q) -> Result<$crate::call::Answers<$R>, $crate::status::Status> {
            self.caller.server_streaming(stringify!($Method), &message).await
        }
    };
    (@call $(#[$doc:meta])* $Method:ident $method:ident ($Q:ty) ($R:ty)) => {
        $(#[$doc])*
        pub async fn $method(&self, message: $Q) -> Result<$crate::call::Response<$R>, $crate::status::Status> {
            self.caller.unary(stringify!($Method), &message).await
        }
    };

    ($($other:tt)*) => {
        ::core::compile_error!(concat!(
            "not a service declaration. The grammar is:\n",
            "  service NAME(\"package.Name\") client CLIENT {\n",
            "      rpc Method as method ([stream] Request) returns ([stream | encoded] Response);\n",
            "      ...\n",
            "  }",
        ));
    };
}
