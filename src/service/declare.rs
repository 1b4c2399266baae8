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
/// Streams take messages that were encoded before: by [`Outbound::send_encoded`](crate::call::Outbound::send_encoded) on
/// a server, by [`Requests::send_encoded`](crate::call::Requests::send_encoded) on a client.
///
/// A package with a `.proto` file has this text written by `h2grpc-build`, and brings it in with
/// [`include_proto!`](crate::include_proto). Who writes it by hand can have [`compare`](crate::service::compare) hold it
/// against the `.proto`.
///
/// # What it makes
///
/// The trait has one method for each `rpc`, in the four shapes of [`call`](crate::call), and `into_service`, whose
/// result [`Server::add`](crate::server::Server::add) takes. The client has the same methods, see
/// [`Caller`](crate::client::Caller) for their shapes, and three functions of its own:
///
/// - `new(channel)`, which is also `From<Channel>`;
/// - `with(options)`: the same client, whose calls have these options;
/// - `named(name)`: the same client, for a server that has the service under another name.
///
/// # Names
///
/// The name after `as` is free, a raw identifier such as `r#type` too. An rpc that is called `new`, `with` or `named`
/// there takes the place of the client's own function. What that did is done as well by `From<Channel>`, and by
/// `From<Caller>` with [`Caller::with`](crate::client::Caller::with) and [`Caller::named`](crate::client::Caller::named).
///
/// A message's type is any path. After `(`, the word `stream` always says that many messages come, so a type in a
/// module of that name is written `(self::stream::Text)`.
///
/// A misspelt declaration does not compile, and the error points at the rpc that is wrong:
///
/// ```compile_fail
/// # #[derive(Clone, PartialEq, prost::Message)] pub struct Text { #[prost(string, tag = "1")] pub text: String }
/// h2grpc::service! {
///     pub service Echo("demo.Echo") client EchoClient {
///         rpc Say  as say  (Text)        returns (Text);
///         rpc Join as join (Text stream) returns (Text); // error: expected one type, or `stream` and a type
///     }
/// }
/// ```
#[macro_export]
macro_rules! service {
    // A whole declaration. The parts in it that depend on the rpc's shape are made below, by `@handler` and so on.
    (
        $(#[$about:meta])*
        $vis:vis service $Service:ident ($name:literal) client $Client:ident {
            $( $(#[$doc:meta])* rpc $Method:tt as $method:tt $request:tt returns $response:tt; )*
        }
    ) => {
        $( $crate::service! { @check $Client ($) $Method $method $request $response } )*

        $(#[$about])*
        $vis trait $Service: ::core::marker::Send + ::core::marker::Sync + ::core::marker::Sized + 'static {
            $( $crate::service! { @handler [$(#[$doc])*] $method $request $response } )*

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

                    fn call(&self, call: $crate::call::IncomingCall) -> $crate::service::Handling<'_> {
                        let _service = &self.0;
                        match call.context().path().method() {
                            $( stringify!($Method) => ::std::boxed::Box::pin(async move {
                                $crate::service! { @answer _service call $method $request $response }
                            }), )*
                            other => {
                                let status = $crate::status::Status::unimplemented(other.to_owned());
                                ::std::boxed::Box::pin(async move { ::core::result::Result::Err(status) })
                            }
                        }
                    }
                }

                Dispatch(self).into()
            }
        }

        #[doc = concat!("Calls the methods of `", $name, "`.")]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        $vis struct $Client {
            caller: $crate::client::Caller,
        }

        #[allow(dead_code)]
        impl $Client {
            /// The service's full name.
            pub const NAME: &'static str = $crate::service::full_name($name);

            /// The methods, in the order of their declaration.
            pub const METHODS: &'static [$crate::service::Method] = &[
                $( $crate::service::Method {
                    name: stringify!($Method),
                    request: $crate::service!(@type_name $request),
                    client_streaming: $crate::service!(@is_stream $request),
                    response: $crate::service!(@type_name $response),
                    server_streaming: $crate::service!(@is_stream $response),
                } ),*
            ];

            $( $crate::service! { @caller [$(#[$doc])*] $Method $method $request $response } )*
        }

        $crate::service! { @own $Client ($) $($method)* }
        const _: &str = $Client::NAME; // checked even if nobody uses it
    };

    // ---- The server's trait: a method of it, in each shape.

    (@handler [$(#[$doc:meta])*] $method:tt $request:tt (stream $R:ty)) => {
        $(#[$doc])*
        fn $method(
            &self, request: $crate::service!(@Request $request), responses: &mut $crate::call::Outbound<$R>,
        ) -> impl ::core::future::Future<Output = $crate::service!(@Result ())> + ::core::marker::Send;
    };
    (@handler [$(#[$doc:meta])*] $method:tt $request:tt $response:tt) => {
        $(#[$doc])*
        fn $method(
            &self, request: $crate::service!(@Request $request),
        ) -> impl ::core::future::Future<Output = $crate::service!(@Result $crate::service!(@Message $response))>
        + ::core::marker::Send;
    };

    // ---- The server's dispatch: from a call that arrived to the handler and back, in each shape.

    (@answer $service:ident $call:ident $method:tt (stream $Q:ty) (stream $R:ty)) => {{
        let (requests, mut responses) = $call.bidirectional();
        $service.$method(requests, &mut responses).await.map(|()| $crate::call::Reply::Streamed)
    }};
    (@answer $service:ident $call:ident $method:tt $request:tt (stream $R:ty)) => {{
        let (request, mut responses) = $call.server_streaming().await?;
        $service.$method(request, &mut responses).await.map(|()| $crate::call::Reply::Streamed)
    }};
    (@answer $service:ident $call:ident $method:tt (stream $Q:ty) $response:tt) => {{
        let response = $service.$method($call.client_streaming()).await?;
        $crate::service!(@message response)
    }};
    (@answer $service:ident $call:ident $method:tt $request:tt $response:tt) => {{
        let response = $service.$method($call.unary().await?).await?;
        $crate::service!(@message response)
    }};
    (@message $response:ident) => {
        $crate::call::Reply::message(&$response)
    };

    // ---- The client: a method of it, in each shape.

    (@caller [$(#[$doc:meta])*] $Method:tt $method:tt (stream $Q:ty) (stream $R:ty)) => {
        $(#[$doc])*
        pub async fn $method(
            &self,
        ) -> $crate::service!(@Result ($crate::call::Requests<$Q>, $crate::call::Responses<$R>)) {
            self.caller.bidirectional(stringify!($Method)).await
        }
    };
    (@caller [$(#[$doc:meta])*] $Method:tt $method:tt (stream $Q:ty) $response:tt) => {
        $(#[$doc])*
        pub async fn $method(
            &self,
        ) -> $crate::service!(
            @Result ($crate::call::Requests<$Q>, $crate::call::PendingResponse<$crate::service!(@Message $response)>)
        ) {
            self.caller.client_streaming(stringify!($Method)).await
        }
    };
    (@caller [$(#[$doc:meta])*] $Method:tt $method:tt $request:tt (stream $R:ty)) => {
        $(#[$doc])*
        pub async fn $method(
            &self, message: $crate::service!(@Message $request),
        ) -> $crate::service!(@Result $crate::call::Responses<$R>) {
            self.caller.server_streaming(stringify!($Method), &message).await
        }
    };
    (@caller [$(#[$doc:meta])*] $Method:tt $method:tt $request:tt $response:tt) => {
        $(#[$doc])*
        pub async fn $method(
            &self, message: $crate::service!(@Message $request),
        ) -> $crate::service!(@Result $crate::call::Response<$crate::service!(@Message $response)>) {
            self.caller.unary(stringify!($Method), &message).await
        }
    };

    // ---- The client's own functions. Each is left out where an rpc has its name: the first arm that fits counts.

    (@own $Client:ident ($d:tt) $($method:tt)*) => {
        macro_rules! unless_an_rpc_is_called {
            $( ($method $d($d own:tt)*) => {}; )*
            ($d name:ident $d($d own:tt)*) => { $d($d own)* };
        }

        unless_an_rpc_is_called! { new
            #[allow(dead_code)]
            impl $Client {
                /// Calls over `channel`.
                pub fn new(channel: $crate::client::Channel) -> Self {
                    ::core::convert::From::from(channel)
                }
            }
        }

        unless_an_rpc_is_called! { with
            #[allow(dead_code)]
            impl $Client {
                /// The same client, whose calls have `options` as well: a deadline, metadata.
                pub fn with(&self, options: $crate::call::CallOptions) -> Self {
                    ::core::convert::From::from(self.caller.with(options))
                }
            }
        }

        unless_an_rpc_is_called! { named
            #[allow(dead_code)]
            impl $Client {
                /// The same client for a server that has the service under another name.
                pub fn named(&self, name: &str) -> Self {
                    ::core::convert::From::from(self.caller.named(name))
                }
            }
        }

        impl ::core::convert::From<$crate::client::Channel> for $Client {
            fn from(channel: $crate::client::Channel) -> Self {
                ::core::convert::From::from($crate::client::Caller::new(channel, Self::NAME, Self::METHODS))
            }
        }

        impl ::core::convert::From<$crate::client::Caller> for $Client {
            fn from(caller: $crate::client::Caller) -> Self {
                $Client { caller }
            }
        }
    };

    // ---- Types: what stands in the parentheses of an rpc.

    (@Result $T:ty) => { ::core::result::Result<$T, $crate::status::Status> };
    (@Request (stream $Q:ty)) => { $crate::call::Inbound<$Q> };
    (@Request $request:tt) => { $crate::call::Request<$crate::service!(@Message $request)> };
    (@Message ($T:ty)) => { $T };
    (@Message $refused_by_check:tt) => { () };
    (@type_name (stream $T:ty)) => { stringify!($T) };
    (@type_name ($($T:tt)*)) => { stringify!($($T)*) };
    (@is_stream (stream $T:ty)) => { true };
    (@is_stream $one:tt) => { false };

    // ---- A declaration that has the right form: what may still be wrong in an rpc.

    (@check $Client:ident ($d:tt) $Method:tt $method:tt $request:tt $response:tt) => {
        $crate::service! { @check_name ($d) $method $method $response }
        $crate::service! { @check_type ($d) $method $request }
        $crate::service! { @check_type ($d) $method $response }
        $crate::service! { @at ($d) $method $response $response
            if $crate::service::is_declared_again(stringify!($Method), $Client::METHODS) {
                panic!(concat!("the rpc ", stringify!($Method), " is declared more than once"));
            }
        }
    };
    (@check_name ($d:tt) into_service $method:tt $response:tt) => {
        $crate::service! { @at ($d) $method $response $response
            ::core::compile_error! { "no rpc can be called `into_service`, as the trait has that; write another name after `as`" }
        }
    };
    (@check_name ($d:tt) $other:tt $method:tt $response:tt) => {};
    (@check_type ($d:tt) $method:tt (stream $T:ty)) => {};
    (@check_type ($d:tt) $method:tt ($T:ty)) => {};
    (@check_type ($d:tt) $method:tt $other:tt) => {
        $crate::service! { @at ($d) $method $other $other
            ::core::compile_error! { "expected one type, or `stream` and a type, in parentheses: `(Point)`, `(stream Point)`" }
        }
    };

    // ---- A declaration that has another form. Its rpcs are passed over one at a time, up to the first that is wrong.

    (
        $(#[$about:meta])*
        $vis:vis service $Service:ident ($name:literal) client $Client:ident { $($rpcs:tt)* }
    ) => {
        $crate::service! { @find ($) $($rpcs)* }
    };
    ( $(#[$about:meta])* $vis:vis service $Service:tt $name:tt { $($rpcs:tt)* } ) => {
        $crate::service! { @at ($) $Service $name $name
            ::core::compile_error! { "expected `client` and the client's name: `service Echo(\"demo.Echo\") client EchoClient`" }
        }
    };
    ( $(#[$about:meta])* $vis:vis service $Service:tt $name:tt client $Client:ident { $($rpcs:tt)* } ) => {
        $crate::service! { @at ($) $Service $name $name
            ::core::compile_error! { "expected the service's full name in quotes, as its .proto has it: `(\"demo.Echo\")`" }
        }
    };
    (
        @find ($d:tt)
        $(#[$doc:meta])* rpc $Method:tt as $method:tt $request:tt returns $response:tt; $($rest:tt)*
    ) => {
        $crate::service! { @find ($d) $($rest)* }
    };
    (
        @find ($d:tt)
        $(#[$doc:meta])* rpc $Method:tt as $method:tt $request:tt returns $response:tt $($rest:tt)*
    ) => {
        $crate::service! { @at ($d) $method $response $response
            ::core::compile_error! { "expected `;` after this rpc" }
        }
    };
    (@find ($d:tt) $(#[$doc:meta])* rpc $Method:tt as $method:tt $request:tt $($rest:tt)*) => {
        $crate::service! { @at ($d) $method $request $request
            ::core::compile_error! { "expected `returns` and the response after this: `returns (Feature)`" }
        }
    };
    (@find ($d:tt) $(#[$doc:meta])* rpc $Method:tt $request:tt returns $($rest:tt)*) => {
        $crate::service! { @at ($d) $Method $request $request
            ::core::compile_error! { "expected `as` and the method's name in Rust after the rpc's: `rpc GetFeature as get_feature`" }
        }
    };

    // Runs `$body` at compile time, so that its errors point at the user's line, from `$token` to `$group`: they arise
    // in a macro whose call is made of these two. The third argument is the group again, to see that it is one.
    (@at ($d:tt) $token:tt $group:tt ($($inside:tt)*) $($body:tt)*) => {
        const _: () = {
            macro_rules! $token { ($d($d any:tt)*) => { $($body)* } }
            $token! $group;
        };
    };
}
