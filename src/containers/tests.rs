use std::sync::Arc;

use chrono::DateTime;
use rust_decimal::Decimal;

use super::*;
use crate::domain::event::{Actor, Meta, NoteKind, NoteRecorded, TradeAdopted, TradeClosed, TradeResized};
use crate::domain::trade::{CloseReason, TradeStep};
use crate::domain::{
    CorrelationId, EventId, Instrument, Leg, Price, Strategy, Symbol, TradeState, id::CountedIds,
};

pub(super) fn symbol(text: &str) -> Symbol {
    Symbol::new(text).unwrap()
}

pub(super) fn record(books: &mut Containers, event: Event) {
    let mut ids = CountedIds(u128::from(books.seq) * 10);
    books.apply(&Recorded {
        seq: books.seq + 1,
        meta: Meta {
            id: EventId::new(&mut ids),
            occurred_at: DateTime::UNIX_EPOCH,
            actor: Actor::Broker,
            correlation: CorrelationId::new(&mut ids),
            causation: None,
            key: None,
        },
        recorded_at: DateTime::UNIX_EPOCH,
        event: Arc::new(event),
    });
}

fn shares(quantity: i64) -> Leg {
    Leg {
        instrument: Instrument::Equity(symbol("SPY")),
        quantity: Decimal::from(quantity),
        entry: Some(Price(Decimal::from(600))),
    }
}

pub(super) fn adopted(id: TradeId, quantity: i64) -> Event {
    Event::TradeAdopted(TradeAdopted {
        trade: id,
        account: AccountId::from_number("test", "1"),
        portfolio: None,
        underlying: symbol("SPY"),
        strategy: Strategy::Stock,
        legs: vec![shares(quantity)],
        opened_at: DateTime::UNIX_EPOCH,
    })
}

fn note(trade: TradeId, kind: NoteKind, text: &str) -> Event {
    Event::NoteRecorded(NoteRecorded {
        trade: Some(trade),
        note_kind: kind,
        underlying: None,
        strategy: None,
        rationale: text.into(),
    })
}

#[test]
fn whether_a_trade_is_open_follows_from_state_and_legs() {
    let id = TradeId(uuid::Uuid::from_u128(7));
    let mut books = Containers::default();
    record(&mut books, adopted(id, 100));
    assert!(books.trades[&id].is_open());
    record(
        &mut books,
        Event::TradeResized(TradeResized { trade: id, legs: vec![shares(0)], strategy: Strategy::Stock }),
    );
    assert!(!books.trades[&id].is_open(), "nothing is left of it");
    assert_eq!(books.trades[&id].state, TradeState::Executed);
}

#[test]
fn holdings_add_up_over_trades() {
    let mut books = Containers::default();
    record(&mut books, adopted(TradeId(uuid::Uuid::from_u128(1)), 100));
    record(&mut books, adopted(TradeId(uuid::Uuid::from_u128(2)), -40));
    let held = books.held(AccountId::from_number("test", "1"));
    assert_eq!(held.values().copied().collect::<Vec<_>>(), vec![Decimal::from(60)]);
    assert!(invariants::broken(&books).is_empty());
}

#[test]
fn the_first_decision_becomes_the_rationale_and_later_notes_do_not_replace_it() {
    let id = TradeId(uuid::Uuid::from_u128(7));
    let mut books = Containers::default();
    record(&mut books, adopted(id, 100));
    record(&mut books, note(id, NoteKind::Note, "watch the ex-date"));
    assert_eq!(books.trades[&id].rationale, None);
    record(&mut books, note(id, NoteKind::Decision, "income"));
    record(&mut books, note(id, NoteKind::Decision, "second thought"));
    assert_eq!(books.trades[&id].rationale.as_deref(), Some("income"));
}

#[test]
fn an_illegal_step_in_the_record_changes_nothing() {
    let id = TradeId(uuid::Uuid::from_u128(7));
    let mut books = Containers::default();
    record(&mut books, adopted(id, 100));
    record(
        &mut books,
        Event::TradeClosed(TradeClosed { trade: id, why: CloseReason::Abandoned, rationale: None }),
    );
    assert_eq!(books.trades[&id].state, TradeState::Executed);
}

#[test]
fn every_pair_of_state_and_step_is_decided() {
    use CloseReason::{Abandoned, Closed};
    let into = TradeId(uuid::Uuid::from_u128(9));
    let states = [
        TradeState::Intent,
        TradeState::Evaluated,
        TradeState::Pending,
        TradeState::Executed,
        TradeState::Closed { why: Closed },
        TradeState::Rolled { into },
    ];
    let steps = [
        TradeStep::Evaluate,
        TradeStep::Edit,
        TradeStep::Submit,
        TradeStep::Reject,
        TradeStep::Fill,
        TradeStep::Close { why: Closed },
        TradeStep::Close { why: Abandoned },
        TradeStep::Roll { into },
    ];
    // Rows: states; columns: steps. A letter is the state reached, a dot is refused.
    let table = ["V.....C.", "VIP.X.C.", "...VX...", "....XC.R", "........", "........"];
    for (state, row) in states.iter().zip(table) {
        for (step, want) in steps.iter().zip(row.chars()) {
            let got = match state.next(*step) {
                Err(_) => '.',
                Ok(TradeState::Intent) => 'I',
                Ok(TradeState::Evaluated) => 'V',
                Ok(TradeState::Pending) => 'P',
                Ok(TradeState::Executed) => 'X',
                Ok(TradeState::Closed { .. }) => 'C',
                Ok(TradeState::Rolled { .. }) => 'R',
            };
            assert_eq!(got, want, "{state:?} on {step:?}");
        }
    }
}
