//! `service!`: a declaration becomes the server's trait, its dispatch, and the typed client.

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
/// Streams take messages that were encoded before by [`Outbound::send_encoded`](crate::call::Outbound::send_encoded).
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
            fn into_service(self) -> $crate::service::Registration {
                struct Dispatch<T>(T);

                impl<T: $Service> $crate::service::Service for Dispatch<T> {
                    fn name(&self) -> &str {
                        $Client::NAME
                    }

                    fn methods(&self) -> &[$crate::service::Method] {
                        $Client::METHODS
                    }

                    async fn call(
                        &self, call: $crate::call::IncomingCall,
                    ) -> Result<$crate::call::Reply, $crate::status::Status> {
                        let Dispatch(service) = self;
                        match call.context().path().method() {
                            $( stringify!($Method) => {
                                $crate::service! { @answer service call $method ($($request)+) ($($response)+) }
                            } )+
                            other => Err($crate::status::Status::unimplemented(other.to_owned())),
                        }
                    }
                }

                Dispatch(self).into()
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
            pub const METHODS: &'static [$crate::service::Method] = &[
                $( $crate::service::Method {
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

            /// The same client, whose calls have `options` as well: a deadline, metadata. What they do not say stays as it is.
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
    (@response $R:ty) => { $R };

    // From a call that arrived to the handler, and back.
    (@answer $service:ident $call:ident $method:ident (stream $Q:ty) (stream $R:ty)) => {{
        let (requests, mut responses) = $call.bidirectional();
        $service.$method(requests, &mut responses).await.map(|()| $crate::call::Reply::Streamed)
    }};
    (@answer $service:ident $call:ident $method:ident ($Q:ty) (stream $R:ty)) => {{
        let (request, mut responses) = $call.server_streaming().await?;
        $service.$method(request, &mut responses).await.map(|()| $crate::call::Reply::Streamed)
    }};
    (@answer $service:ident $call:ident $method:ident (stream $Q:ty) ($R:ty)) => {
        $crate::call::Reply::message(&$service.$method($call.client_streaming()).await?)
    };
    (@answer $service:ident $call:ident $method:ident ($Q:ty) ($R:ty)) => {
        $crate::call::Reply::message(&$service.$method($call.unary().await?).await?)
    };

    // What the method table says of a request or a response.
    (@name stream $T:ty) => { stringify!($T) };
    (@name $T:ty) => { stringify!($T) };
    (@streams stream $T:ty) => { true };
    (@streams $($one:tt)+) => { false };

    // A method of the client.
    (@call $(#[$doc:meta])* $Method:ident $method:ident (stream $Q:ty) (stream $R:ty)) => {
        $(#[$doc])*
        pub async fn $method(
            &self,
        ) -> Result<($crate::call::Outbound<$Q>, $crate::call::Responses<$R>), $crate::status::Status> {
            self.caller.bidirectional(stringify!($Method)).await
        }
    };
    (@call $(#[$doc:meta])* $Method:ident $method:ident (stream $Q:ty) ($R:ty)) => {
        $(#[$doc])*
        pub async fn $method(
            &self,
        ) -> Result<($crate::call::Outbound<$Q>, $crate::call::PendingResponse<$R>), $crate::status::Status> {
            self.caller.client_streaming(stringify!($Method)).await
        }
    };
    (@call $(#[$doc:meta])* $Method:ident $method:ident ($Q:ty) (stream $R:ty)) => {
        $(#[$doc])*
        pub async fn $method(&self, message: $Q) -> Result<$crate::call::Responses<$R>, $crate::status::Status> {
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
            "      rpc Method as method ([stream] Request) returns ([stream] Response);\n",
            "      ...\n",
            "  }",
        ));
    };
}
