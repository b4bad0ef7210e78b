//! Event ⇄ stored columns. The payload is parsed straight into the body of its kind; a kind nobody here knows
//! is not an error, it was written by a newer program.

use chrono::{NaiveDate, NaiveTime, SecondsFormat};
use uuid::Uuid;

use super::json;
use crate::domain::event::{
    AccountSeen, Actor, AlarmRaised, AlarmsCleared, BalancesReported, DayClosed, Event, KillLifted,
    KillRaised, MarketObserved, NoteRecorded, OrderAnswered, OrderChangeAnswered, OrderChangeRequested,
    OrderFilled, OrderMoved, OrderStaged, OrderSubmitted, OrdersLinked, PortfolioDefined, SessionStarted,
    SetNamed, TradeAdopted, TradeClosed, TradeEvaluated, TradeIntended, TradeMoved, TradePromoted,
    TradeResized,
};
use crate::domain::time::Timestamp;

/// What a payload may weigh: an event is a fact, not a document store.
pub const MAX_PAYLOAD: usize = 1 << 20;

macro_rules! vocabulary {
    ($($kind:literal => $body:ident),+ $(,)?) => {
        /// The stored name of an event's kind.
        pub fn kind(event: &Event) -> &'static str {
            match event {
                $(Event::$body(_) => $kind,)+
            }
        }

        /// The body as it is stored: struct fields in their declared order, hence one text per value.
        pub fn payload(event: &Event) -> Result<String, serde_json::Error> {
            match event {
                $(Event::$body(body) => serde_json::to_string(body),)+
            }
        }

        /// `None`: not a kind of this version.
        pub fn decode(kind: &[u8], payload: &[u8]) -> Option<Result<Event, serde_json::Error>> {
            $(if kind == $kind.as_bytes() {
                // Checked as a whole, it need not be checked string by string.
                let body = match std::str::from_utf8(payload) {
                    Ok(text) => json::from_str::<$body>(text),
                    Err(_) => serde_json::from_slice::<$body>(payload),
                };
                return Some(body.map(Event::$body));
            })+
            None
        }

        #[cfg(test)]
        pub const KINDS: &[&str] = &[$($kind),+];
    };
}

// The most frequent first: decoding compares in this order.
vocabulary! {
    "market.observed" => MarketObserved,
    "note.recorded" => NoteRecorded,
    "trade.intended" => TradeIntended,
    "trade.evaluated" => TradeEvaluated,
    "trade.adopted" => TradeAdopted,
    "trade.resized" => TradeResized,
    "trade.moved" => TradeMoved,
    "trade.closed" => TradeClosed,
    "trade.promoted" => TradePromoted,
    "order.staged" => OrderStaged,
    "order.linked" => OrdersLinked,
    "order.set_named" => SetNamed,
    "order.submitted" => OrderSubmitted,
    "order.answered" => OrderAnswered,
    "order.moved" => OrderMoved,
    "order.filled" => OrderFilled,
    "order.change_requested" => OrderChangeRequested,
    "order.change_answered" => OrderChangeAnswered,
    "kill.raised" => KillRaised,
    "kill.lifted" => KillLifted,
    "alarm.raised" => AlarmRaised,
    "alarm.cleared" => AlarmsCleared,
    "account.balances_reported" => BalancesReported,
    "account.seen" => AccountSeen,
    "portfolio.defined" => PortfolioDefined,
    "session.started" => SessionStarted,
    "day.closed" => DayClosed,
}

/// Always nine decimals and `Z`: sorts as text.
pub fn timestamp_text(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

pub fn timestamp(text: &[u8]) -> Option<Timestamp> {
    fixed_timestamp(text).or_else(|| {
        let text = std::str::from_utf8(text).ok()?;
        chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
    })
}

/// The form that is written, `2027-02-08T16:45:00.000000000Z`, without a general parser: two of these stand in
/// every event of a replay.
fn fixed_timestamp(text: &[u8]) -> Option<Timestamp> {
    let text: &[u8; 30] = text.try_into().ok()?;
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (29, b'Z')];
    if punctuation.iter().any(|&(at, c)| text[at] != c) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0u32, |n, &b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
    };
    let year = i32::try_from(number(0, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)?;
    let time =
        NaiveTime::from_hms_nano_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 29)?)?;
    Some(date.and_time(time).and_utc())
}

pub fn uuid(text: &[u8]) -> Option<Uuid> {
    Uuid::try_parse_ascii(text).ok()
}

pub fn actor(text: &[u8]) -> Option<Actor> {
    [Actor::Trader, Actor::System, Actor::Broker].into_iter().find(|actor| actor.key().as_bytes() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::units::{BenchmarkShares, PerDay, Shares};
    use crate::store::testing;

    #[test]
    fn every_kind_is_named_as_the_vocabulary_names_it_and_reads_back() {
        let events = testing::one_of_each();
        for event in &events {
            let (kind_there, payload_there) = event.to_stored().expect("serialises");
            assert_eq!(kind(event), kind_there);
            let text = payload(event).expect("serialises");
            let value: serde_json::Value = serde_json::from_str(&text).expect("json");
            assert_eq!(value, payload_there);
            let back = decode(kind(event).as_bytes(), text.as_bytes()).expect("known").expect("decodes");
            assert_eq!(&back, event);
        }
        let covered: std::collections::BTreeSet<_> = events.iter().map(kind).collect();
        assert_eq!(covered.len(), KINDS.len(), "a sample of every kind");
    }

    #[test]
    fn an_unknown_kind_is_nobodys_fault_and_a_bad_payload_is() {
        assert!(decode(b"trade.teleported", b"{}").is_none());
        assert!(matches!(decode(b"trade.closed", b"{}"), Some(Err(_))));
    }

    /// As written before freshness, sources and unknown figures had a place in them.
    #[test]
    fn payloads_of_earlier_versions_read_and_say_that_they_do_not_know() {
        let read = |kind: &str, payload: &str| {
            decode(kind.as_bytes(), payload.as_bytes()).expect("known").expect("decodes")
        };
        let observed = read(
            "market.observed",
            r#"{"context":{"as_of":"2027-02-08T16:45:00Z","revision":3,"rate":0.0385,"underlyings":[
                {"symbol":"SPY","spot":701.25,"previous_close":699.0,"iv30":0.16,"iv_rank":0.23,"beta":1.0,
                 "daily_vol":0.01,"next_ex_date":"2027-03-19","dividend":"1.75"}],"marks":[
                {"instrument":"SPY","bid":"701.20","ask":"701.30","mark":"701.25","iv":null}]}}"#,
        );
        let Event::MarketObserved(MarketObserved { context }) = observed else { panic!("{observed:?}") };
        let (factors, mark) = (&context.underlyings[0], &context.marks[0]);
        assert_eq!((factors.beta, factors.beta_source), (Some(1.0), None));
        assert_eq!((factors.spot, factors.spot_standing), (Some(701.25), None));
        assert!(mark.mark.is_some() && mark.mark_standing.is_none() && context.rates_as_of.is_none());
        let evaluated = read(
            "trade.evaluated",
            r#"{"trade":"01a1fe6e-e0a3-7747-b5d0-d5ec0bba6a8e","evaluation":{"net_price":"96.00",
                "max_profit":"96.00","max_loss":null,"defined_risk":false,"breakevens":[701.5],
                "delta_shares":-3.25,"beta_weighted_delta":0.0,"theta_day":5.5,"vega_point":-7.75,
                "limits":[],"verdict":"pass","notes":[]}}"#,
        );
        let Event::TradeEvaluated(TradeEvaluated { evaluation, .. }) = evaluated else {
            panic!("{evaluated:?}")
        };
        assert_eq!(
            (evaluation.delta_shares, evaluation.beta_weighted_delta),
            (Some(Shares(-3.25)), Some(BenchmarkShares(0.0)))
        );
        assert!(!evaluation.payoff_unknown && evaluation.net_price.is_some());
        let submitted = read(
            "order.submitted",
            r#"{"reference":"01a1fe6e-e0a3-7747-b5d0-d5ec0bba6a8e","ticket":{
                "reference":"01a1fe6e-e0a3-7747-b5d0-d5ec0bba6a8e","trade":"01a1fe6e-e0a3-7747-b5d0-d5ec0bba6a8f",
                "account":"01a1fe6e-e0a3-8747-b5d0-d5ec0bba6a8f","legs":[],"limit":"1.50","time_in_force":"day"},
                "checks":[]}"#,
        );
        let Event::OrderSubmitted(submitted) = submitted else { panic!("{submitted:?}") };
        assert_eq!(submitted.venue, None);
        let closed = read(
            "day.closed",
            r#"{"date":"2027-02-08","equity":[],"exposures":[{"underlying":"SPY","delta_shares":0.3,
                "beta_weighted_delta":0.3,"gamma_pnl_1pct":3.5,"theta_day":12.0,"vega_point":-40.25,
                "iv30":0.162,"complete":true}],"context":{"as_of":"2027-02-08T21:00:00Z","revision":1,
                "rate":0.0385,"underlyings":[],"marks":[]}}"#,
        );
        let Event::DayClosed(DayClosed { exposures, .. }) = closed else { panic!("{closed:?}") };
        assert_eq!(exposures[0].theta_day, Some(PerDay(12.0)));
    }

    #[test]
    fn a_standing_is_stored_in_words() {
        let payload = payload(&testing::one_of_each()[4]).expect("serialises");
        for words in [
            r#""spot_standing":{"stale_seconds":42}"#,
            r#""beta":1.0,"beta_source":"assumed""#,
            r#""mark_standing":"live""#,
            r#""iv":null,"iv_standing":{"unusable":"arbitrage"}"#,
        ] {
            assert!(payload.contains(words), "{words} in {payload}");
        }
    }

    #[test]
    fn instants_read_back_to_the_nanosecond() {
        for text in ["2027-02-08T16:45:00.123456789Z", "1999-12-31T23:59:59.000000001Z"] {
            let at = timestamp(text.as_bytes()).expect("an instant");
            assert_eq!(timestamp_text(at), text);
            assert_eq!(Some(at), chrono::DateTime::parse_from_rfc3339(text).ok().map(|a| a.to_utc()));
        }
        for odd in ["2027-02-08T16:45:00Z", "2027-02-08T16:45:00.5+01:00"] {
            assert!(timestamp(odd.as_bytes()).is_some(), "{odd}");
        }
        for bad in ["", "2027-13-08T16:45:00.000000000Z", "2027-02-08T16:45:00.00000000xZ", "yesterday"] {
            assert!(timestamp(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
