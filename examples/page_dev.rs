//! Temporary: writes pages.
use h2grpc::transcript::html::HtmlOptions;
use h2grpc::transcript::protobuf::Types;
use h2grpc::transcript::{Recording, Transcript};
use h2grpc::client::{Channel, Target};
use h2grpc::limits::ClientLimits;
use h2grpc::route_guide::{FILE_DESCRIPTOR_SET, Features, Guide, RouteGuide, RouteGuideClient, tour};
use h2grpc::server::{Server, listen};
use tokio::net::TcpStream;
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let out = std::env::args().nth(1).unwrap();
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let guide = Guide::new(Features::embedded()).into_service();
    tokio::spawn(Server::new().add(guide).serve([listener], std::future::pending()));
    let recording = Recording::new(16 << 20);
    let recorder = recording.clone();
    let connect = move || {
        let recorder = recorder.clone();
        async move { Ok(recorder.client(TcpStream::connect(address).await?)) }
    };
    let target: Target = address.to_string().parse().unwrap();
    let client = RouteGuideClient::new(Channel::with_connector(target, ClientLimits::default(), connect));
    let mut lines = Vec::new();
    let _ = tour::get_feature(&client, &tour::TUTORIAL_POINTS, &mut lines).await;
    let _ = tour::list_features(&client, tour::TUTORIAL_RECTANGLE, &mut lines).await;
    let _ = tour::record_route(&client, &Features::embedded(), 10, &mut lines).await;
    let _ = tour::route_chat(&client, &mut lines).await;
    let types = Types::decode(FILE_DESCRIPTOR_SET).unwrap();
    let transcript = Transcript::read(&recording.snapshot(), &types);
    let options = HtmlOptions { title: "RouteGuide: the tour's four calls".into(), ..HtmlOptions::default() };
    std::fs::write(format!("{out}/tour.html"), transcript.to_html(&options)).unwrap();
}
