//! An application that receives security events by a library that others wrote. Its argument is the library's own configuration, as JSON;
//! `PORT` is where it takes pushes. It says `ready`, and then a line of JSON for each event that the library has verified and handed over.
//! The line `verify` on its input asks the library to verify its stream, `health` how it is.

use axum::Router;
use easyssf_receiver::{BoxError, SsfReceiver, event::SsfEventContext};
use easyssf_receiver_axum::push_router_for;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

async fn tell(context: SsfEventContext) -> Result<(), BoxError> {
    let token = context.event_token();
    println!("{}", json!({ "delivery": format!("{:?}", context.delivery_method()), "claims": token.claims() }));
    Ok(())
}

async fn verify(receiver: &SsfReceiver) -> Result<String, BoxError> {
    let transmitter = receiver.transmitters().primary().ok_or("no transmitter")?;
    let stream = transmitter.receiver_stream().stream_id().ok_or("no stream yet")?;
    let client = transmitter.stream_client().ok_or("no way to ask")?;
    Ok(transmitter.stream_verification().request_verification(client, &stream).await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let config = std::env::args().nth(1).ok_or("no configuration")?;
    let receiver = SsfReceiver::builder(serde_json::from_str(&config)?).handler(tell).build()?;
    if let Ok(port) = std::env::var("PORT") {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
        let router: Router = push_router_for(&receiver);
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
    receiver.start();
    println!("ready");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let answer = match line.as_str() {
            "verify" => verify(&receiver).await.map_or_else(|error| format!("failed {error}"), |state| format!("asked {state}")),
            _ => receiver.health().await.status.as_str().to_owned(),
        };
        println!("{answer}");
    }
    receiver.shutdown().await;
    Ok(())
}
