//! A websocket with deadlines and limits.
//!
//! Never: waits for ever, follows a redirect, says what was sent.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::USER_AGENT;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

use super::scrub::scrubbed;

const LARGEST_FRAME: usize = 1024 * 1024;
const LARGEST_MESSAGE: usize = 4 * LARGEST_FRAME;

pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    deadline: Duration,
}

/// What came in. Pings and pongs are signs of life without content.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Text(String),
    Nothing,
    Closed(String),
}

impl Socket {
    /// `Err` names why in a few words.
    pub async fn connect(url: &Url, user_agent: &str, deadline: Duration) -> Result<Self, String> {
        super::transport::install_tls();
        let mut request = url.as_str().into_client_request().map_err(|error| told(&error))?;
        if let Ok(agent) = HeaderValue::from_str(user_agent) {
            request.headers_mut().insert(USER_AGENT, agent);
        }
        let limits = WebSocketConfig::default()
            .max_frame_size(Some(LARGEST_FRAME))
            .max_message_size(Some(LARGEST_MESSAGE));
        match timeout(deadline, connect_async_with_config(request, Some(limits), true)).await {
            Ok(Ok((stream, _))) => Ok(Self { stream, deadline }),
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => Err(format!("no connection within {} s", deadline.as_secs_f64())),
        }
    }

    pub async fn send(&mut self, text: String) -> Result<(), String> {
        match timeout(self.deadline, self.stream.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => Err("the socket takes nothing any more".into()),
        }
    }

    /// Asks for a sign of life. A socket that takes nothing in time is no error here: no answer will come.
    pub async fn ping(&mut self, patience: Duration) -> Result<(), String> {
        let ping = Message::Ping(Vec::new().into());
        match timeout(patience, self.stream.send(ping)).await {
            Ok(Err(error)) => Err(told(&error)),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }

    /// Cancel-safe: a message is either returned or still there.
    pub async fn next(&mut self) -> Incoming {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => Incoming::Text(text.as_str().to_owned()),
            Some(Ok(Message::Close(frame))) => Incoming::Closed(match frame {
                Some(frame) if frame.reason.is_empty() => format!("closed ({})", u16::from(frame.code)),
                Some(frame) => format!("closed ({}): {}", u16::from(frame.code), scrubbed(&frame.reason)),
                None => "closed".into(),
            }),
            Some(Ok(_)) => Incoming::Nothing,
            Some(Err(error)) => Incoming::Closed(told(&error)),
            None => Incoming::Closed("closed".into()),
        }
    }

    /// Says goodbye, without insisting.
    pub async fn close(mut self) {
        let moment = Duration::from_millis(200);
        if timeout(moment, self.stream.close(None)).await.is_err() {
            tracing::debug!("the peer did not take our goodbye");
        }
    }
}

fn told(error: &Error) -> String {
    match error {
        Error::Http(response) => format!("the websocket was answered with {}", response.status().as_u16()),
        other => scrubbed(&other.to_string()),
    }
}
