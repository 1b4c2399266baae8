//! The calls. Each ends when all its halves have, and is OK when the answer is right.

use std::sync::Arc;
use std::time::Duration;

use h2grpc::status::Status;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::EchoClient;
use crate::common::text;

/// How often an upload sends a message.
pub const TICK: Duration = Duration::from_millis(100);

pub async fn say(client: EchoClient) -> Result<(), Status> {
    let response = client.say(text("hello")).await?;
    is_right(&response.message.text)
}

pub async fn list(client: EchoClient) -> Result<(), Status> {
    let mut answers = client.list(text("hello")).await?;
    drop(client);
    while let Some(answer) = answers.next().await? {
        is_right(&answer.text)?;
    }
    Ok(())
}

/// Sends a message every [`TICK`] until it is told to finish.
pub async fn upload(client: EchoClient, finish: Arc<Notify>) -> Result<(), Status> {
    let (mut texts, response) = client.join().await?;
    drop(client);
    let sending = async {
        while texts.send(text("x")).await.is_ok() {
            if timeout(TICK, finish.notified()).await.is_ok() {
                let _ = texts.finish().await;
                break;
            }
        }
    };
    let ((), response) = tokio::join!(sending, response.response());
    is_right(&response?.message.text)
}

/// Looks at the answer only when it is told to.
pub async fn ignore(client: EchoClient, look: Arc<Notify>) -> Result<(), Status> {
    let mut answers = client.list(text("hello")).await?;
    drop(client);
    look.notified().await;
    while let Some(answer) = answers.next().await? {
        is_right(&answer.text)?;
    }
    Ok(())
}

/// Sends more than the window takes, and looks at the answer only afterwards.
pub async fn fill_first(client: EchoClient) -> Result<(), Status> {
    let (mut texts, response) = client.join().await?;
    drop(client);
    if texts.send(text("x".repeat(200_000))).await.is_ok() {
        let _ = texts.finish().await;
    }
    is_right(&response.response().await?.message.text)
}

/// Sends more than the window takes.
pub async fn fill(client: EchoClient) -> Result<(), Status> {
    let (mut texts, response) = client.join().await?;
    drop(client);
    let sending = async {
        if texts.send(text("x".repeat(200_000))).await.is_ok() {
            let _ = texts.finish().await;
        }
    };
    let ((), response) = tokio::join!(sending, response.response());
    is_right(&response?.message.text)
}

fn is_right(answer: &str) -> Result<(), Status> {
    if answer == "answer" { Ok(()) } else { Err(Status::internal(format!("the answer is {answer:?}"))) }
}
