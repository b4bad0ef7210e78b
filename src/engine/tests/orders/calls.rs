//! What orders and the kill switch put on the blotter.

use super::*;
use crate::snapshot::overview::Urgency;

fn calls(bench: &mut Bench) -> Vec<Urgency> {
    let picture = bench.engine.snapshot(bench.now);
    picture.blotter.into_iter().map(|row| row.urgency).collect()
}

#[test]
fn an_order_in_doubt_stands_in_the_header_and_first_on_the_blotter() {
    let mut bench = Bench::new();
    let opening = ticket(1, false);
    bench.sent(&opening);
    bench.feed(Input::Placed {
        reference: opening.reference,
        placed: Placed::Unknown { why: "no answer".into() },
    });
    let header = bench.engine.snapshot(bench.now).header;
    assert_eq!((header.unknown, header.working), (1, 0));
    assert_eq!(calls(&mut bench).first(), Some(&Urgency::Unknown));
    bench.told(report_of(&opening, 7, OrderStatus::Live, &[]));
    let header = bench.engine.snapshot(bench.now).header;
    assert_eq!((header.unknown, header.working), (0, 1));
    assert!(!calls(&mut bench).contains(&Urgency::Unknown));
}

#[test]
fn hard_proposes_to_close_what_is_open_and_an_exit_that_is_gone_is_missed() {
    let mut bench = Bench::new();
    let opening = ticket(1, false);
    bench.sent(&opening);
    bench.told(report_of(&opening, 7, OrderStatus::Filled, &["a"]));
    let exit = Ticket { trade: opening.trade, time_in_force: TimeInForce::Gtc, ..ticket(2, true) };
    bench.order(&exit);
    bench.told(report_of(&exit, 8, OrderStatus::Live, &[]));
    assert!(!calls(&mut bench).contains(&Urgency::Unguarded));
    bench.told(report_of(&exit, 8, OrderStatus::Cancelled, &[]));
    assert!(calls(&mut bench).contains(&Urgency::Unguarded));
    assert!(!calls(&mut bench).contains(&Urgency::Flatten));
    bench.command(Command::Kill { mode: KillMode::Safe, why: "looks wrong".into() });
    assert!(!calls(&mut bench).contains(&Urgency::Flatten));
    bench.command(Command::Kill { mode: KillMode::Hard, why: "looks wrong".into() });
    assert_eq!(calls(&mut bench).first(), Some(&Urgency::Flatten));
}
