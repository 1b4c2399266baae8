//! What fuzzing has found, each as a test of its own: docs/fuzzing.md tells how.

mod common;

use std::time::Duration;

use common::pipes;
use common::raw_server::RawServer;
use common::{Text, text};
use h2grpc::call::CallOptions;
use h2grpc::wire::Code;
use tokio::runtime::Handle;
use tokio::time::sleep;

h2grpc::service! {
    /// A call that sends.
    pub service Sends("test.v1.Sends") client SendsClient {
        /// Texts both ways.
        rpc Send as send (stream Text) returns (stream Text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_server_does_not_read_ends_after_its_channel_is_dropped() {
    let (channel, _) = pipes::raw(|_, io| async move {
        let _unread = RawServer::accept(io, &[]).await?;
        std::future::pending().await
    });
    let client = SendsClient::new(channel).with(CallOptions::new().timeout(Duration::from_secs(2)));
    let (mut texts, mut answers) = client.send().await.unwrap();
    // More than the pipe holds, so that what the connection says at its end cannot leave.
    while texts.send(text("x".repeat(10_000))).await.is_ok() {}
    assert_eq!(answers.next().await.unwrap_err().code(), Code::DEADLINE_EXCEEDED);
    drop((client, texts, answers));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 1, "the server's task is left, and none of the client's");
}
