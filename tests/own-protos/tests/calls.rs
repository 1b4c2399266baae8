//! The services of the odd files are served and called.

use std::future::pending;

use h2grpc::call::{Inbound, Outbound, Request};
use h2grpc::client::Channel;
use h2grpc::server::{Method, Server, listen};
use h2grpc::service::compare;
use h2grpc::status::Status;
use own_protos::proto::shop::{stock, till};
use own_protos::proto::{Plain, PlainServiceClient, old, service};
use prost::Message;
use prost_types::{FileDescriptorSet, Timestamp};
use till::receipt::{Line, line::Part};
use till::stream::Thing;
use till::{HttpThing, Item, Old, Receipt, SnakeCase, Till, TillClient_};

struct Shop;

impl Till for Shop {
    async fn scan(&self, _: Request<Item>) -> Result<Receipt, Status> {
        Ok(Receipt::default())
    }
    async fn many(&self, mut items: Inbound<Item>) -> Result<Receipt, Status> {
        let mut lines = Vec::new();
        while let Some(item) = items.next().await? {
            lines.push(Line { text: item.name });
        }
        Ok(Receipt { lines })
    }
    async fn list(&self, _: Request<()>, items: &mut Outbound<stock::Item>) -> Result<(), Status> {
        items.send(stock::Item { kind: stock::Kind::Fruit as i32 }).await
    }
    async fn talk(&self, mut lines: Inbound<Line>, parts: &mut Outbound<Part>) -> Result<(), Status> {
        while lines.next().await?.is_some() {
            parts.send(Part {}).await?;
        }
        Ok(())
    }
    async fn new(&self, request: Request<till::Result>) -> Result<till::Option, Status> {
        Ok(till::Option { text: request.message.text })
    }
    async fn with(&self, request: Request<String>) -> Result<Vec<u8>, Status> {
        Ok(request.message.into_bytes())
    }
    async fn named(&self, request: Request<Timestamp>, times: &mut Outbound<Timestamp>) -> Result<(), Status> {
        times.send(request.message).await
    }
    async fn r#type(&self, request: Request<Plain>) -> Result<Thing, Status> {
        Ok(Thing { text: request.message.text })
    }
    async fn self_(&self, mut things: Inbound<Thing>) -> Result<(), Status> {
        while things.next().await?.is_some() {}
        Ok(())
    }
    async fn self__(&self, _: Request<Old>) -> Result<old::r#type::Old, Status> {
        Ok(old::r#type::Old {})
    }
    async fn into_service_(&self, _: Request<till::TillClient>) -> Result<HttpThing, Status> {
        Ok(HttpThing {})
    }
    async fn get_url(&self, _: Request<HttpThing>) -> Result<SnakeCase, Status> {
        Ok(SnakeCase {})
    }
    async fn get_url_(&self, _: Request<SnakeCase>) -> Result<SnakeCase, Status> {
        Ok(SnakeCase {})
    }
}

impl service::only::Lone for Shop {
    async fn scan(&self, request: Request<Item>) -> Result<Receipt, Status> {
        Ok(Receipt { lines: vec![Line { text: request.message.name }] })
    }
}

#[tokio::test]
async fn generated_services_are_served_and_called() {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let channel = Channel::new(listener.local_addr().unwrap().to_string().parse().unwrap());
    let server = Server::new().add(Till::into_service(Shop)).add(service::only::Lone::into_service(Shop));
    tokio::spawn(server.serve([listener], pending()));

    let till = TillClient_::from(channel.clone());
    let text = || "said".to_owned();
    let item = || Item { name: text(), ..Item::default() };

    let (mut items, receipt) = till.many().await.unwrap();
    items.send(item()).await.unwrap();
    items.finish().await.unwrap();
    assert_eq!(receipt.await.unwrap().message.lines, [Line { text: text() }]);

    let mut listed = till.list(()).await.unwrap();
    assert_eq!(listed.next().await.unwrap().unwrap().kind(), stock::Kind::Fruit);

    let (mut lines, mut parts) = till.talk().await.unwrap();
    lines.send(Line { text: text() }).await.unwrap();
    assert_eq!(parts.next().await.unwrap(), Some(Part {}));

    assert_eq!(till.new(till::Result { text: text() }).await.unwrap().message.text, "said");
    assert_eq!(till.with(text()).await.unwrap().message, b"said");
    let mut times = till.named(Timestamp { seconds: 7, nanos: 8 }).await.unwrap();
    assert_eq!(times.next().await.unwrap(), Some(Timestamp { seconds: 7, nanos: 8 }));
    assert_eq!(till.r#type(Plain { text: text(), inner: None }).await.unwrap().message.text, "said");
    till.get_url_(SnakeCase {}).await.unwrap();
    till.into_service_(till::TillClient {}).await.unwrap();

    let lone = service::only::LoneClient::new(channel);
    assert_eq!(lone.scan(item()).await.unwrap().message.lines, [Line { text: text() }]);
}

/// What was written for each service, held against the file that it was written from.
#[test]
fn generated_declarations_are_those_of_the_proto() {
    let services: [(&str, &[Method], &[u8]); 7] = [
        (TillClient_::NAME, TillClient_::METHODS, till::FILE_DESCRIPTOR_SET),
        (till::TellClient_::NAME, till::TellClient_::METHODS, till::FILE_DESCRIPTOR_SET),
        (till::TellClientClient::NAME, till::TellClientClient::METHODS, till::FILE_DESCRIPTOR_SET),
        (till::EmptyClient::NAME, till::EmptyClient::METHODS, till::FILE_DESCRIPTOR_SET),
        (stock::ShelvesClient::NAME, stock::ShelvesClient::METHODS, stock::FILE_DESCRIPTOR_SET),
        (PlainServiceClient::NAME, PlainServiceClient::METHODS, own_protos::single::plain::FILE_DESCRIPTOR_SET),
        (service::only::LoneClient::NAME, service::only::LoneClient::METHODS, service::only::FILE_DESCRIPTOR_SET),
    ];
    for (name, methods, descriptors) in services {
        compare(name, methods, descriptors).unwrap();
    }
    assert_eq!(TillClient_::METHODS.len(), 13);
}

#[test]
fn the_descriptors_of_a_package_have_what_it_imports_and_no_more() {
    let names = |set: &[u8]| {
        let set = FileDescriptorSet::decode(set).unwrap();
        set.file.into_iter().map(|file| file.name.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(names(own_protos::single::old::FILE_DESCRIPTOR_SET), ["Old.proto"]);
    assert_eq!(names(stock::FILE_DESCRIPTOR_SET), ["google/protobuf/descriptor.proto", "shop/stock.proto"]);
    let lone = names(service::only::FILE_DESCRIPTOR_SET);
    assert!(lone.contains(&"shop/till.proto".to_owned()) && lone.contains(&"shop/stock.proto".to_owned()), "{lone:?}");
}

/// `option (shelf) = "top"` is field 50001: three bytes of key, the length, the text.
#[test]
fn options_of_ones_own_are_kept() {
    let option = b"\x8a\xb5\x18\x03top";
    assert!(stock::FILE_DESCRIPTOR_SET.windows(option.len()).any(|bytes| bytes == option));
}
