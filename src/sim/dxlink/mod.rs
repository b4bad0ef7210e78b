//! The market-data stream: one websocket, DXLink over it.
//!
//! Never: sends what nobody subscribed to, or waits for a client that does not read.

mod event;
mod feed;
mod link;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::link::Link;
use super::fault::stream::{Faulty, Stream};
use super::server::{Shared, stopped, stream_permit};
use super::wire;

/// How often moving quotes are looked at.
const BEAT: Duration = Duration::from_millis(250);
/// The real server closes with 1009 beyond its buffer.
const MESSAGE_LIMIT: usize = 64 * 1024;
const TOO_BIG: u16 = 1009;
const GOING_AWAY: u16 = 1001;
const POLICY: u16 = 1008;

pub async fn upgrade(State(shared): State<Shared>, upgrade: WebSocketUpgrade) -> Response {
    let Some(permit) = stream_permit(&shared) else {
        return wire::failure(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", "Too many streams");
    };
    upgrade.max_message_size(4 * MESSAGE_LIMIT).on_upgrade(move |socket| async move {
        let socket = Faulty::new(socket, Arc::clone(&shared.faults), Stream::Dxlink);
        run(shared, socket).await;
        drop(permit);
    })
}

async fn run(shared: Shared, mut socket: Faulty) {
    let mut stop = shared.stop.clone();
    let mut link = Link::new(shared, Instant::now());
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let out = tokio::select! {
            () = stopped(&mut stop) => {
                return socket.close(GOING_AWAY, "going away").await;
            }
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) if text.len() > MESSAGE_LIMIT => {
                    return socket.close(TOO_BIG, "message too big").await;
                }
                Some(Ok(Message::Text(text))) => link.on_text(text.as_str(), Instant::now()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                // Control frames are answered by the library; they are not messages of the protocol.
                Some(Ok(_)) => Vec::new(),
            },
            _ = beat.tick() => link.on_beat(Instant::now()),
        };
        for message in &out {
            if !socket.send(message).await {
                return;
            }
        }
        if link.is_over() {
            return socket.close(POLICY, "timeout").await;
        }
    }
}
