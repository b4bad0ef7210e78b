//! Hand-written frames: what the server may send, in the ways it is known to send it.

use rust_decimal::Decimal;
use serde_json::Value;

use super::layout::{FeedEvent, Layout};
use super::protocol::{Format, ServerFrame, auth, channel_request, decode, feed_setup, keepalive, setup};

fn data(layout: &Layout, frame: &str) -> super::layout::Decoded {
    match decode(frame).expect("a frame") {
        ServerFrame::FeedData { data, .. } => layout.decode(&data),
        other => panic!("not data: {other:?}"),
    }
}

fn configure(layout: &mut Layout, frame: &str) {
    match decode(frame).expect("a frame") {
        ServerFrame::FeedConfig { format, fields, .. } => layout.configure(format, fields),
        other => panic!("not a config: {other:?}"),
    }
}

/// In hundredths.
fn cents(value: i64) -> Option<Decimal> {
    Some(Decimal::new(value, 2))
}

fn quote(symbol: &str, bid: Option<Decimal>, ask: Option<Decimal>) -> FeedEvent {
    FeedEvent::Quote { symbol: symbol.into(), bid, ask, bid_size: None, ask_size: None, time: None }
}

#[test]
fn our_frames_say_what_the_protocol_wants() {
    let parse = |text: String| serde_json::from_str::<Value>(&text).expect("JSON");
    let hello = parse(setup("cotrader/0.1.0", 60, 15));
    assert_eq!(
        (hello["version"].as_str(), hello["acceptKeepaliveTimeout"].as_u64()),
        (Some("0.1-cotrader/0.1.0"), Some(15))
    );
    assert_eq!(parse(auth(&"abc".into()))["token"], "abc");
    assert_eq!(parse(keepalive())["channel"], 0);
    assert_eq!(parse(channel_request())["parameters"]["contract"], "AUTO");
    let feed = parse(feed_setup());
    assert_eq!(feed["acceptDataFormat"], "COMPACT");
    assert_eq!(feed["acceptEventFields"]["Candle"][2], "eventFlags");
}

#[test]
fn control_frames_are_told_apart() {
    let told = |text: &str| decode(text).expect("a frame");
    assert_eq!(
        told(r#"{"keepaliveTimeout":60,"extra":[],"type":"SETUP","channel":0,"version":"1.0"}"#),
        ServerFrame::Setup { keepalive_timeout: Some(60.0) }
    );
    assert_eq!(
        told(r#"{"type":"AUTH_STATE","channel":0,"state":"AUTHORIZED","userId":"u"}"#),
        ServerFrame::Authorized
    );
    assert_eq!(told(r#"{"type":"AUTH_STATE","channel":0}"#), ServerFrame::Unauthorized);
    assert_eq!(told(r#"{"type":"CHANNEL_OPENED","channel":1}"#), ServerFrame::ChannelOpened { channel: 1 });
    assert_eq!(told(r#"{"type":"LATER","channel":9}"#), ServerFrame::Other { kind: "LATER".into() });
    for bad in ["", "[]", "{}", "{\"type\":7}", r#"{"type":"FEED_DATA","channel":1}"#, "<html>"] {
        assert!(decode(bad).is_err(), "{bad}");
    }
}

#[test]
fn columns_are_those_announced_however_ordered_or_few() {
    let mut layout = Layout::default();
    configure(
        &mut layout,
        r#"{"type":"FEED_CONFIG","channel":1,"dataFormat":"COMPACT","aggregationPeriod":0.1,
            "eventFields":{"Quote":["askPrice","eventSymbol","bidPrice"]}}"#,
    );
    let decoded = data(
        &layout,
        r#"{"type":"FEED_DATA","channel":1,"data":["Quote",[651.24,"SPY",651.21,"NaN",".SPY261218C640",18.2]]}"#,
    );
    assert_eq!(decoded.unreadable, 0);
    assert_eq!(
        decoded.events,
        [quote("SPY", cents(65_121), cents(65_124)), quote(".SPY261218C640", cents(1_820), None)]
    );
}

#[test]
fn announcements_merge_by_event_type() {
    let mut layout = Layout::default();
    configure(
        &mut layout,
        r#"{"type":"FEED_CONFIG","channel":1,"dataFormat":"COMPACT","eventFields":{"Quote":["eventSymbol","bidPrice"]}}"#,
    );
    configure(
        &mut layout,
        r#"{"type":"FEED_CONFIG","channel":1,"dataFormat":"COMPACT","eventFields":{"Trade":["price","eventSymbol"]}}"#,
    );
    configure(&mut layout, r#"{"type":"FEED_CONFIG","channel":1,"aggregationPeriod":1}"#);
    let decoded =
        data(&layout, r#"{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY",1.5],"Trade",[2.5,"SPY"]]}"#);
    assert_eq!(
        decoded.events,
        [
            quote("SPY", cents(150), None),
            FeedEvent::Trade { symbol: "SPY".into(), price: cents(250), time: None }
        ]
    );
}

#[test]
fn before_any_announcement_the_asked_order_holds() {
    let decoded = data(
        &Layout::default(),
        r#"{"type":"FEED_DATA","channel":1,"data":["Quote",["Quote","SPY",1,2,"NaN",4.0,0,1795187040000]]}"#,
    );
    assert_eq!(
        decoded.events,
        [FeedEvent::Quote {
            symbol: "SPY".into(),
            bid: cents(100),
            ask: cents(200),
            bid_size: None,
            ask_size: Some(4.0),
            time: Some(1_795_187_040_000)
        }]
    );
}

#[test]
fn the_server_may_switch_to_full_announced_or_not() {
    let full = r#"{"type":"FEED_DATA","channel":1,"data":[
        {"eventType":"Quote","eventSymbol":"SPY","bidPrice":1.5,"askPrice":"NaN"},
        {"eventType":"Underlying","eventSymbol":"SPY"}, 7,
        {"eventType":"Quote","bidPrice":1.5}]}"#;
    let mut layout = Layout::default();
    let before = data(&layout, full);
    assert_eq!((before.events.len(), before.unreadable), (1, 3));
    configure(&mut layout, r#"{"type":"FEED_CONFIG","channel":1,"dataFormat":"FULL"}"#);
    assert_eq!(data(&layout, full), before);
    assert_eq!(before.events, [quote("SPY", cents(150), None)]);
    // And back without a word.
    let compact = r#"{"type":"FEED_DATA","channel":1,"data":["Trade",["Trade","SPY",2.5,0]]}"#;
    assert_eq!(data(&layout, compact).events.len(), 1);
}

#[test]
fn ragged_rows_and_unknown_types_are_counted_not_guessed() {
    let decoded = data(
        &Layout::default(),
        r#"{"type":"FEED_DATA","channel":1,"data":["Trade",["Trade","SPY",2.5],"Surprise",[1],"Quote"]}"#,
    );
    assert_eq!((decoded.events.len(), decoded.unreadable), (0, 3));
}

#[test]
fn numbers_come_as_text_with_exponent_or_not_at_all() {
    let decoded = data(
        &Layout::default(),
        r#"{"type":"FEED_DATA","channel":1,"data":["Summary",["Summary","SPY","649.9","NaN","Infinity",null,1.3743299E7]]}"#,
    );
    assert_eq!(
        decoded.events,
        [FeedEvent::Summary {
            symbol: "SPY".into(),
            previous_close: cents(64_990),
            open: None,
            high: None,
            low: None,
            open_interest: Some(13_743_299.0)
        }]
    );
}

#[test]
fn a_format_is_remembered_only_when_told() {
    let frame = decode(r#"{"type":"FEED_CONFIG","channel":1,"dataFormat":"FULL"}"#).expect("a frame");
    assert_eq!(frame, ServerFrame::FeedConfig { channel: 1, format: Some(Format::Full), fields: Vec::new() });
}

proptest::proptest! {
    /// As a JSON number or as text, with or without zeros at the end: a price is what was sent.
    #[test]
    fn a_price_survives_digit_for_digit(
        dollars in 0_u32..100_000,
        decimals in "[0-9]{0,10}",
        is_text in proptest::bool::ANY,
    ) {
        let text = if decimals.is_empty() { dollars.to_string() } else { format!("{dollars}.{decimals}") };
        let sent = if is_text { format!("\"{text}\"") } else { text.clone() };
        let frame = format!(r#"{{"type":"FEED_DATA","channel":1,"data":["Trade",["Trade","SPY",{sent},0]]}}"#);
        let decoded = data(&Layout::default(), &frame);
        let [FeedEvent::Trade { price, .. }] = decoded.events.as_slice() else { panic!("not a trade") };
        proptest::prop_assert_eq!(*price, text.parse::<Decimal>().ok());
    }

    /// Whatever arrives, it is read, counted or refused: nothing panics, and no more events come out than
    /// values went in.
    #[test]
    fn no_frame_can_break_the_reader(
        kind in "FEED_DATA|FEED_CONFIG|SETUP|ERROR|[A-Z_]{0,12}",
        columns in proptest::collection::vec("eventSymbol|bidPrice|askPrice|[a-z]{1,8}", 0..6),
        values in proptest::collection::vec("\"NaN\"|\"SPY\"|null|-?[0-9]{1,6}|\\{\\}|\\[\\]|1e999", 0..14),
        label in "\"Quote\"|\"Candle\"|7|\\{\"eventType\":\"Quote\",\"eventSymbol\":\"X\"\\}",
    ) {
        let mut layout = Layout::default();
        layout.configure(None, vec![("Quote".into(), columns)]);
        let frame =
            format!(r#"{{"type":"{kind}","channel":1,"data":[{label},[{}]],"eventFields":{{}}}}"#, values.join(","));
        if let Ok(ServerFrame::FeedData { data, .. }) = decode(&frame) {
            let decoded = layout.decode(&data);
            proptest::prop_assert!(decoded.events.len() <= values.len() + 1);
        }
    }
}
