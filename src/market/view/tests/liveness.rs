//! What counts as of the present: streams while they are heard, nothing that is halted, nothing of a future.

use std::time::Duration;

use super::*;

#[test]
fn while_an_underlying_is_halted_nothing_of_it_is_live() {
    let (spy, put) = (share("SPY"), option("SPY", Right::Put, 570));
    let mut board = board();
    quote(&mut board, &spy, 599.9, 600.1, LIVE);
    quote(&mut board, &put, 2.7, 2.8, LIVE);
    quote(&mut board, &share("QQQ"), 499.9, 500.1, LIVE);
    let told = |board: &mut Board, instrument: &Instrument, halted: Option<bool>| {
        let summary = DaySummary { halted, ..DaySummary::default() };
        board.apply(MarketUpdate::Summary { instrument: instrument.clone(), summary, source: LIVE });
    };
    let live = |board: &Board| [&spy, &put].map(|instrument| view(board).mark(instrument).is_live());
    assert_eq!(live(&board), [true; 2]);
    told(&mut board, &spy, Some(true));
    assert_eq!(live(&board), [false; 2]);
    let halted = view(&board);
    assert_eq!((halted.halted(&symbol("SPY")), halted.quote_is_live(&put)), (Some(true), false));
    assert_eq!((halted.quality(&put), halted.mark(&share("QQQ")).is_live()), (Quality::Stale, true));
    told(&mut board, &spy, None);
    told(&mut board, &put, Some(false));
    assert_eq!(live(&board), [false; 2], "who does not know, and an option's own word, change nothing");
    told(&mut board, &spy, Some(false));
    assert_eq!(live(&board), [true; 2]);
}

#[test]
fn a_streamed_value_is_live_as_long_as_its_link_is() {
    let mut board = board();
    quote(&mut board, &share("QQQ"), 599.9, 600.1, LIVE);
    assert_eq!(view(&board).spot(&symbol("QQQ")), Reading::Live { value: 600.0 });
    let later = |seconds| board.view(now() + TimeDelta::seconds(seconds), &config());
    assert!(later(15).spot(&symbol("QQQ")).is_live());
    let silent = later(16);
    assert_eq!(silent.spot(&symbol("QQQ")), Reading::Stale { value: 600.0, age_seconds: 16 });
    assert_eq!(silent.quality(&share("QQQ")), Quality::Stale);

    // A quiet symbol on a living link stays live, and shows its age.
    quote(&mut board, &share("XLU"), 79.9, 80.1, LIVE);
    board.alive(Link::MarketStream, now() + TimeDelta::seconds(595));
    let quiet = board.view(now() + TimeDelta::seconds(600), &config());
    assert!(quiet.spot(&symbol("XLU")).is_live());
    assert_eq!(quiet.quote_age_seconds(&share("XLU")), Some(600));

    // After a reconnect, only what the new connection sent is live.
    board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(2) }, now() + TimeDelta::seconds(601));
    assert!(!board.view(now() + TimeDelta::seconds(602), &config()).spot(&symbol("QQQ")).is_live());
}

fn heard(board: &mut Board, name: &str, seconds: i64) {
    let received = now() + TimeDelta::seconds(seconds);
    let trade = RawTrade { price: Some(dollars(600.0)), at: None, received };
    board.apply(MarketUpdate::Trade { instrument: share(name), trade, source: LIVE });
}

#[test]
fn a_stream_on_which_the_benchmark_is_silent_in_regular_hours_brings_nothing_live() {
    let mut board = board();
    quote(&mut board, &share("XLU"), 79.9, 80.1, LIVE);
    let at = |board: &mut Board, seconds| {
        let then = now() + TimeDelta::seconds(seconds);
        // Keepalives go on.
        board.alive(Link::MarketStream, then);
        let view = board.view(then, &config());
        (view.spot(&symbol("XLU")).is_live(), view.canary_silent())
    };
    assert_eq!(at(&mut board, 60), (true, None), "it never sang");
    heard(&mut board, "SPY", 60);
    assert_eq!(at(&mut board, 70), (true, None));
    assert_eq!(at(&mut board, 71), (false, Some(11)));
    let read = RawTrade { price: Some(dollars(600.0)), at: None, received: now() + TimeDelta::seconds(72) };
    board.apply(MarketUpdate::Trade { instrument: share("SPY"), trade: read, source: Source::Read });
    assert_eq!(at(&mut board, 73), (false, Some(13)), "a read is not the stream");
    heard(&mut board, "SPY", 74);
    assert_eq!(at(&mut board, 75), (true, None), "nothing was missed on a connection that stood");
    // Halted, and after the close, nobody has to sing.
    let summary = DaySummary { halted: Some(true), ..DaySummary::default() };
    board.apply(MarketUpdate::Summary { instrument: share("SPY"), summary, source: LIVE });
    assert_eq!(at(&mut board, 120), (true, None));
    let summary = DaySummary { halted: Some(false), ..DaySummary::default() };
    board.apply(MarketUpdate::Summary { instrument: share("SPY"), summary, source: LIVE });
    assert_eq!(at(&mut board, 120).1, Some(46));
    assert_eq!(at(&mut board, 6 * 3600), (true, None));
}

#[test]
fn a_clock_that_was_set_back_makes_nothing_live() {
    let mut board = board();
    quote(&mut board, &share("SPY"), 599.9, 600.1, LIVE);
    quote(&mut board, &share("QQQ"), 519.9, 520.1, Source::Read);
    let earlier = now() - TimeDelta::hours(1);
    let back = board.view(earlier, &config());
    assert!(!back.spot(&symbol("SPY")).is_live() && !back.spot(&symbol("QQQ")).is_live());
    board.alive(Link::MarketStream, earlier);
    assert!(board.view(earlier, &config()).spot(&symbol("SPY")).is_live());
    let late = board.view(earlier + TimeDelta::milliseconds(15_900), &config());
    assert!(!late.spot(&symbol("SPY")).is_live(), "fifteen seconds, not nearly sixteen");
}

#[test]
fn where_no_halts_are_told_a_trade_speaks_for_a_while_and_silence_for_nothing() {
    let mut board = board();
    let summary = DaySummary { trading_if_within: Some(Duration::from_secs(60)), ..DaySummary::default() };
    board.apply(MarketUpdate::Summary { instrument: share("SPY"), summary, source: Source::Read });
    let halted = |board: &Board, seconds| {
        board.view(now() + TimeDelta::seconds(seconds), &config()).halted(&symbol("SPY"))
    };
    assert_eq!(halted(&board, 0), None);
    let mut traded = |seconds| {
        let at = now() + TimeDelta::seconds(seconds);
        let trade = RawTrade { price: Some(dollars(600.0)), at: Some(at), received: at };
        board.apply(MarketUpdate::Trade { instrument: share("SPY"), trade, source: LIVE });
        [0, 60, 61, -61].map(|later| halted(&board, seconds + later))
    };
    assert_eq!(traded(0), [Some(false), Some(false), None, None]);
    assert_eq!(traded(300), [Some(false), Some(false), None, None]);
    let summary = DaySummary { halted: Some(true), ..DaySummary::default() };
    board.apply(MarketUpdate::Summary { instrument: share("SPY"), summary, source: LIVE });
    assert_eq!(halted(&board, 300), Some(true), "who is told it knows better");
}
