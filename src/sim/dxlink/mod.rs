//! The market-data stream: one websocket, DXLink over it.
//!
//! Never: sends what nobody subscribed to, or waits for a client that does not read.

mod event;
mod feed;
mod link;

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use self::link::Link;
use super::server::{Shared, stopped, stream_permit};
use super::wire;

/// How often moving quotes are looked at.
const BEAT: Duration = Duration::from_millis(250);
/// The real server closes with 1009 beyond its buffer.
const MESSAGE_LIMIT: usize = 64 * 1024;
const TOO_BIG: u16 = 1009;
const GOING_AWAY: u16 = 1001;
const POLICY: u16 = 1008;
const SEND_PATIENCE: Duration = Duration::from_secs(5);

pub async fn upgrade(State(shared): State<Shared>, upgrade: WebSocketUpgrade) -> Response {
    let Some(permit) = stream_permit(&shared) else {
        return wire::failure(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", "Too many streams");
    };
    upgrade.max_message_size(4 * MESSAGE_LIMIT).on_upgrade(move |socket| async move {
        run(shared, socket).await;
        drop(permit);
    })
}

async fn run(shared: Shared, mut socket: WebSocket) {
    let mut stop = shared.stop.clone();
    let mut link = Link::new(shared, Instant::now());
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let out = tokio::select! {
            () = stopped(&mut stop) => {
                return close(&mut socket, GOING_AWAY, "going away").await;
            }
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) if text.len() > MESSAGE_LIMIT => {
                    return close(&mut socket, TOO_BIG, "message too big").await;
                }
                Some(Ok(Message::Text(text))) => link.on_text(text.as_str(), Instant::now()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                // Control frames are answered by the library; they are not messages of the protocol.
                Some(Ok(_)) => Vec::new(),
            },
            _ = beat.tick() => link.on_beat(Instant::now()),
        };
        for message in &out {
            if !send(&mut socket, message).await {
                return;
            }
        }
        if link.is_over() {
            return close(&mut socket, POLICY, "timeout").await;
        }
    }
}

async fn send(socket: &mut WebSocket, message: &Value) -> bool {
    let sent = timeout(SEND_PATIENCE, socket.send(Message::Text(message.to_string().into()))).await;
    matches!(sent, Ok(Ok(())))
}

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    // The peer may be gone already; then there is nobody to tell.
    let frame = CloseFrame { code, reason: reason.into() };
    let _ = timeout(SEND_PATIENCE, socket.send(Message::Close(Some(frame)))).await;
}
