//! What comes in, what it replaces, and what is live of it.

use chrono::DateTime;

use super::*;
use crate::domain::Price;
use crate::market::rates::RateCurve;

fn at(seconds: i64) -> Timestamp {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn spy() -> Instrument {
    Instrument::Equity(Symbol::new("SPY").expect("a symbol"))
}

fn quote(cents: i64, when: i64, source: Source) -> MarketUpdate {
    let quote = RawQuote {
        bid: Some(Price(Decimal::new(cents, 2))),
        ask: Some(Price(Decimal::new(cents + 2, 2))),
        bid_size: None,
        ask_size: None,
        at: Some(at(when)),
        received: at(when),
    };
    MarketUpdate::Quote { instrument: spy(), quote, source }
}

fn held(board: &Board) -> Stamped<RawQuote> {
    board.contents.slots.get(&spy()).and_then(|slot| slot.quote).expect("a quote")
}

#[test]
fn a_value_of_an_earlier_connection_changes_nothing() {
    let mut board = Board::default();
    board.apply(quote(100, 10, Source::Stream(Epoch(2))));
    board.apply(quote(200, 11, Source::Stream(Epoch(1))));
    assert_eq!(held(&board).value.bid, Some(Price(Decimal::ONE)));
}

#[test]
fn a_read_refreshes_a_streamed_value_without_demoting_it() {
    let mut board = Board::default();
    board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(0));
    board.apply(quote(100, 10, Source::Stream(Epoch(1))));
    board.apply(quote(300, 5, Source::Read));
    assert_eq!(held(&board).value.bid, Some(Price(Decimal::ONE)), "an older read is dropped");
    board.apply(quote(300, 20, Source::Read));
    assert_eq!(held(&board).source, Source::Stream(Epoch(1)));
    assert_eq!(held(&board).received, at(20));
    board.link(Link::MarketStream, LinkState::Down { why: "gone".into(), retry_in_ms: None }, at(21));
    board.apply(quote(400, 22, Source::Read));
    assert_eq!(held(&board).source, Source::Read);
}

#[test]
fn a_missing_size_leaves_the_size_and_a_missing_price_is_no_price() {
    let mut board = Board::default();
    let MarketUpdate::Quote { instrument, quote: first, source } = quote(100, 1, Source::Read) else {
        unreachable!("a quote")
    };
    let sized = RawQuote { bid_size: Some(7.0), ..first };
    board.apply(MarketUpdate::Quote { instrument: instrument.clone(), quote: sized, source });
    board.apply(MarketUpdate::Quote { instrument, quote: RawQuote { bid: None, ..first }, source });
    assert_eq!((held(&board).value.bid, held(&board).value.bid_size), (None, Some(7.0)));
}

#[test]
fn the_age_of_a_link_starts_anew_with_every_sign_of_life() {
    let mut board = Board::default();
    assert_eq!(board.link_age(Link::MarketStream, at(5)), None);
    board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(0));
    board.alive(Link::MarketStream, at(7));
    assert_eq!(board.link_age(Link::MarketStream, at(10)), Some(3));
    board.apply(quote(100, 9, Source::Stream(Epoch(1))));
    assert_eq!(board.link_age(Link::MarketStream, at(10)), Some(1));
    board.link(Link::MarketStream, LinkState::Connecting { attempt: 1 }, at(12));
    assert_eq!(board.link_age(Link::MarketStream, at(14)), Some(5));
}

#[test]
fn what_was_read_before_the_stream_was_lost_is_not_live() {
    let config =
        MarketConfig::new(RateCurve::flat(0.04).expect("a rate"), Symbol::new("SPY").expect("a symbol"));
    let live = |board: &Board, when: i64| board.view(at(when), &config).quote(&spy()).is_live();
    let mut board = Board::default();
    board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(0));
    board.apply(quote(100, 10, Source::Read));
    assert!(live(&board, 11));
    board.link(Link::MarketStream, LinkState::Down { why: "gone".into(), retry_in_ms: None }, at(11));
    assert!(!live(&board, 11));
    board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(2) }, at(12));
    assert!(!live(&board, 12), "until it has come again");
    board.apply(quote(100, 13, Source::Read));
    assert!(live(&board, 13));
}

#[test]
fn while_a_connection_is_silent_nothing_of_it_is_live_and_afterwards_all_of_it() {
    let config =
        MarketConfig::new(RateCurve::flat(0.04).expect("a rate"), Symbol::new("SPY").expect("a symbol"));
    let live = |board: &Board, when: i64| board.view(at(when), &config).quote(&spy()).is_live();
    let (up, silent) = (LinkState::Up { epoch: Epoch(1) }, LinkState::Silent { epoch: Epoch(1) });
    for source in [Source::Stream(Epoch(1)), Source::Read] {
        let mut board = Board::default();
        board.link(Link::MarketStream, up.clone(), at(0));
        board.apply(quote(100, 10, source));
        board.link(Link::MarketStream, silent.clone(), at(11));
        assert!(!live(&board, 11), "{source:?}");
        // Nothing was missed on a connection that stood.
        board.link(Link::MarketStream, up.clone(), at(12));
        assert!(live(&board, 12), "{source:?}");
        // Lost while it was silent, it was lost when it fell silent: what was read since counts.
        board.link(Link::MarketStream, silent.clone(), at(13));
        board.link(Link::MarketStream, LinkState::Down { why: "gone".into(), retry_in_ms: None }, at(15));
        assert!(!live(&board, 15), "{source:?}");
        board.apply(quote(100, 14, Source::Read));
        assert!(live(&board, 15), "{source:?}");
    }
}

#[test]
fn a_read_during_silence_does_not_take_a_quote_from_its_stream() {
    let config =
        MarketConfig::new(RateCurve::flat(0.04).expect("a rate"), Symbol::new("SPY").expect("a symbol"));
    let mut board = Board::default();
    board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(0));
    board.apply(quote(100, 10, Source::Stream(Epoch(1))));
    board.link(Link::MarketStream, LinkState::Silent { epoch: Epoch(1) }, at(11));
    board.apply(quote(101, 12, Source::Read));
    board.apply(quote(99, 9, Source::Read));
    assert_eq!(held(&board).value.bid, Some(Price(Decimal::new(101, 2))), "older news is no news");
    board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(13));
    // Heard again.
    board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(60));
    assert!(board.view(at(60), &config).quote(&spy()).is_live(), "quiet on a living connection");
}

#[test]
fn a_picture_does_not_change_after_it_was_taken() {
    let mut board = Board::default();
    board.apply(quote(100, 10, Source::Read));
    let before = board.contents.clone();
    board.apply(quote(200, 11, Source::Read));
    let bid = before.slots.get(&spy()).and_then(|slot| slot.quote).and_then(|q| q.value.bid);
    assert_eq!(bid, Some(Price(Decimal::ONE)));
}

#[test]
fn a_message_that_came_out_of_order_does_not_replace_a_newer_one() {
    let mut board = Board::default();
    board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, at(0));
    let mut after = |cents, second| {
        board.apply(quote(cents, second, Source::Stream(Epoch(1))));
        held(&board).value.bid
    };
    let price = |cents: i64| Some(Price(Decimal::new(cents, 2)));
    assert_eq!(after(100, 100), price(100));
    assert_eq!(after(200, 98), price(100), "overtaken");
    assert_eq!(after(300, 100), price(300));
    assert_eq!(after(400, 50), price(400), "a clock that was wrong does not stop the stream");
}
