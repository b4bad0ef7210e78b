//! What is halted has no price of the present.

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
