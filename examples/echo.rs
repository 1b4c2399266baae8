//! Your own service in thirty lines: `cargo run --example echo`.
//!
//! The messages are declared with prost's derive. A project with a .proto file has messages and declaration generated:
//! see `examples/own-service`. The server and its client share a process here, and a TCP connection on loopback.

use h2grpc::call::{Outbound, Request};
use h2grpc::client::Channel;
use h2grpc::server::{Server, listen};
use h2grpc::status::Status;

#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

h2grpc::service! {
    /// Says things back.
    service Echo("demo.Echo") client EchoClient {
        /// Says one thing back.
        rpc Say   as say   (Text) returns (Text);
        /// Says each word by itself.
        rpc Spell as spell (Text) returns (stream Text);
    }
}

struct Parrot;

impl Echo for Parrot {
    async fn say(&self, request: Request<Text>) -> Result<Text, Status> {
        if request.message.text.is_empty() {
            return Err(Status::invalid_argument("there is nothing to say back"));
        }
        Ok(request.message)
    }

    async fn spell(&self, request: Request<Text>, words: &mut Outbound<Text>) -> Result<(), Status> {
        for word in request.message.text.split_whitespace() {
            words.send(Text { text: word.to_owned() }).await?; // waits while the client does not read
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = listen("127.0.0.1:0".parse()?)?;
    let address = listener.local_addr()?;
    let server = Server::new().add(Parrot.into_service());
    tokio::spawn(server.serve([listener], std::future::pending()));

    let client = EchoClient::new(Channel::new(address.to_string().parse()?));
    println!("{}", client.say(Text { text: "hello".into() }).await?.message.text);
    let mut words = client.spell(Text { text: "one two three".into() }).await?;
    while let Some(word) = words.next().await? {
        println!("{}", word.text);
    }
    println!("{}", client.say(Text::default()).await.unwrap_err());
    Ok(())
}
