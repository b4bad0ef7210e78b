//! The venue driven by hand: what happens, when, and in which order it is told.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use super::super::desk::Draft;
use super::super::order::{Action, Effect, Leg, OrderKind, Status, Terms, TimeInForce};
use super::*;
use crate::domain::instrument::parse_occ;
use crate::domain::{Instrument, Symbol};
use crate::sim::world::days;
use crate::sim::world::seeded::SeededWorld;

struct Scene {
    world: SeededWorld,
    venue: Venue,
    model: FillModel,
    halts: Vec<Halt>,
}

impl Scene {
    fn new(model: FillModel) -> Self {
        let world = SeededWorld::new(7, chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap());
        let book = AccountBook {
            number: "5WT00001".into(),
            nickname: "n".into(),
            type_name: "Individual".into(),
            is_ira: false,
            cash: Decimal::from(100_000),
            positions: Vec::new(),
        };
        let venue = Venue::new(7, vec![book], world.paths().anchor_instant());
        Self { world, venue, model, halts: Vec::new() }
    }

    fn stern() -> Self {
        Self::new(FillModel { rate: 0.0, ..FillModel::default() })
    }

    fn after(&mut self, by: TimeDelta) {
        let to = self.venue.at + by;
        self.until(to);
    }

    fn until(&mut self, to: Timestamp) {
        let rules = Rules { market: &self.world, model: self.model, halts: &self.halts };
        self.venue.advance(&rules, to);
    }

    fn place(&mut self, terms: Terms, legs: Vec<Leg>) -> u64 {
        let rules = Rules { market: &self.world, model: self.model, halts: &self.halts };
        self.venue.place(&rules, 0, Draft { terms, legs }).id
    }

    fn option(&self, symbol: &str) -> Instrument {
        Instrument::Option(self.world.contract(&parse_occ(symbol).unwrap()).unwrap().into())
    }

    fn order(&self, id: u64) -> &Order {
        self.venue.accounts[0].order(id).unwrap()
    }

    fn said(&mut self) -> Vec<(String, String)> {
        let (news, _) = self.venue.take_news();
        let what = |n: Notice| {
            let key = if n.kind == "Order" { "status" } else { "symbol" };
            (n.kind.to_owned(), n.data[key].as_str().unwrap_or_default().to_owned())
        };
        news.into_iter().map(what).collect()
    }

    fn units(&self, instrument: &Instrument) -> Decimal {
        self.venue.accounts[0].units(instrument)
    }
}

fn leg(instrument: &Instrument, action: Action, quantity: i64) -> Leg {
    let quantity = Decimal::from(quantity);
    Leg { instrument: instrument.clone(), action, quantity, remaining: quantity, fills: Vec::new() }
}

fn terms(kind: OrderKind, tif: TimeInForce, price: Option<(f64, Effect)>) -> Terms {
    Terms {
        kind,
        tif,
        gtc_date: None,
        price: price.map(|(p, _)| Decimal::from_f64(p).unwrap().round_dp(2)),
        effect: price.map(|(_, effect)| effect),
        stop_trigger: None,
        value: None,
        value_effect: None,
        source: None,
        external_identifier: None,
        strict: false,
    }
}

fn share(symbol: &str) -> Instrument {
    Instrument::Equity(Symbol::new(symbol).unwrap())
}

fn seconds(n: i64) -> TimeDelta {
    TimeDelta::seconds(n)
}

#[test]
fn filled_is_said_with_the_first_leg_and_the_others_follow() {
    let mut s = Scene::stern();
    let (short, long) = (s.option("SPY   261218P00640000"), s.option("SPY   261218P00635000"));
    let wish = terms(OrderKind::Limit, TimeInForce::Day, Some((0.01, Effect::Credit)));
    let id = s.place(wish, vec![leg(&short, Action::SellToOpen, 1), leg(&long, Action::BuyToOpen, 1)]);
    s.after(seconds(1));
    let said = s.said();
    let words: Vec<(&str, &str)> = said.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let expected = [
        ("Order", "Routed"),
        ("Order", "In Flight"),
        ("Order", "Live"),
        ("Order", "Filled"),
        ("CurrentPosition", "SPY   261218P00640000"),
        ("Order", "Filled"),
        ("CurrentPosition", "SPY   261218P00635000"),
        ("AccountBalance", ""),
    ];
    assert_eq!(words, expected);
    let order = s.order(id);
    let at = |n: usize| order.legs[n].fills[0].at;
    assert!(at(0) < at(1), "leg by leg");
    assert_eq!(order.terminal_at, Some(at(0)), "the end is said before the last leg is");
}

#[test]
fn a_large_order_fills_in_parts_and_accumulates() {
    let mut s = Scene::stern();
    let spy = share("SPY");
    let id =
        s.place(terms(OrderKind::Market, TimeInForce::Day, None), vec![leg(&spy, Action::BuyToOpen, 100)]);
    let big = s.place(
        terms(OrderKind::Limit, TimeInForce::Day, Some((900.0, Effect::Debit))),
        vec![leg(&spy, Action::BuyToOpen, 20_000)],
    );
    s.after(seconds(1));
    assert_eq!(s.order(id).status, Status::Filled);
    let order = s.order(big);
    assert_eq!(order.status, Status::Live, "partly filled has no status of its own");
    let first = order.legs[0].fills.len();
    assert!(first > 0 && order.legs[0].remaining > Decimal::ZERO);
    s.after(seconds(120));
    let order = s.order(big);
    assert_eq!(order.status, Status::Filled);
    let sum: Decimal = order.legs[0].fills.iter().map(|fill| fill.quantity).sum();
    assert_eq!(sum, Decimal::from(20_000));
    assert!(
        order.legs[0].fills.iter().all(|fill| fill.price < Decimal::from(700)),
        "never worse than the market"
    );
    assert_eq!(s.units(&spy), Decimal::from(20_100));
}

/// A credit spread of `lots`, asking for a third of the way from the natural price to the middle.
fn spread(s: &mut Scene, lots: i64) -> u64 {
    let (short, long) = (s.option("SPY   261218P00640000"), s.option("SPY   261218P00635000"));
    let quote = |of: &Instrument| super::super::matching::quote(&s.world, of, s.venue.at).unwrap();
    let (sold, bought) = (quote(&short), quote(&long));
    let (natural, middle) = (sold.bid - bought.ask, sold.mid() - bought.mid());
    let wish =
        terms(OrderKind::Limit, TimeInForce::Day, Some((natural + (middle - natural) / 3.0, Effect::Credit)));
    s.place(wish, vec![leg(&short, Action::SellToOpen, lots), leg(&long, Action::BuyToOpen, lots)])
}

fn filled(order: &Order) -> [Decimal; 2] {
    [0, 1].map(|n: usize| order.legs[n].fills.iter().map(|fill| fill.quantity).sum())
}

#[test]
fn a_package_fills_in_parts_of_all_its_legs_at_its_price() {
    let mut s = Scene::new(FillModel { rate: 2.0, whole: 0.0, legged: 0.0, ..FillModel::default() });
    let id = spread(&mut s, 9);
    let mut parts = Vec::new();
    // Between the looks of the venue, when the later leg is reported, too.
    s.after(TimeDelta::milliseconds(500));
    for _ in 0..600 {
        s.after(seconds(1));
        let order = s.order(id);
        let [sold, bought] = filled(order);
        assert_eq!((sold, order.is_lopsided()), (bought, false));
        if parts.last() != Some(&sold) {
            parts.push(sold);
            let whole = sold == Decimal::from(9);
            assert_eq!(order.status == Status::Filled, whole, "a part has no status of its own");
        }
    }
    assert!(parts.len() >= 4, "{parts:?}");
    let order = s.order(id);
    assert_eq!(order.status, Status::Filled);
    for (sold, bought) in order.legs[0].fills.iter().zip(&order.legs[1].fills) {
        assert_eq!(sold.group, bought.group);
        let credit = sold.price - bought.price;
        assert!((credit - order.terms.price.unwrap()).abs() < Decimal::new(1, 5), "{credit}");
    }
}

#[test]
fn legs_that_trade_one_by_one_are_unequal_for_seconds_and_filled_with_the_last() {
    let mut s = Scene::new(FillModel { rate: 2.0, whole: 1.0, legged: 1.0, ..FillModel::default() });
    let id = spread(&mut s, 2);
    let mut unequal = 0;
    for _ in 0..600 {
        s.after(TimeDelta::milliseconds(100));
        let order = s.order(id);
        let [sold, bought] = filled(order);
        unequal += u32::from(sold != bought);
        assert!(sold == bought || order.status == Status::Live, "{:?}", order.status);
    }
    assert!((7..=31).contains(&unequal), "for {unequal} tenths of a second");
    assert_eq!((s.order(id).status, filled(s.order(id))), (Status::Filled, [Decimal::TWO; 2]));
}

#[test]
fn a_leg_that_is_left_out_stays_out_until_the_order_ends() {
    let mut s = Scene::new(FillModel { rate: 2.0, whole: 1.0, leg_out: 1.0, ..FillModel::default() });
    let id = spread(&mut s, 2);
    s.after(seconds(300));
    let order = s.order(id);
    assert_eq!((order.status, order.is_lopsided()), (Status::Live, true));
    let halves = filled(order);
    assert_eq!(halves.iter().sum::<Decimal>(), Decimal::TWO, "{halves:?}");
    s.until(days::at(chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap(), 16, 1));
    let order = s.order(id);
    assert_eq!((order.status, filled(order), order.open_units()), (Status::Expired, halves, Decimal::TWO));
}

#[test]
fn between_natural_and_middle_it_takes_time_and_the_same_time_for_the_same_seed() {
    let run = |step: i64| {
        let mut s = Scene::new(FillModel { rate: 0.2, whole: 0.5, ..FillModel::default() });
        let put = s.option("SPY   261218P00650000");
        let q = super::super::matching::quote(&s.world, &put, s.venue.at).unwrap();
        let price = (q.mid() + 0.25 * (q.ask - q.bid)).min(q.ask - 0.01);
        let wish = terms(OrderKind::Limit, TimeInForce::Day, Some((price, Effect::Debit)));
        let id = s.place(wish, vec![leg(&put, Action::BuyToOpen, 10)]);
        for _ in 0..(600 / step) {
            s.after(seconds(step));
        }
        s.order(id).legs[0].fills.clone()
    };
    let fills = run(1);
    assert!(!fills.is_empty());
    assert_eq!(fills, run(1));
    assert_eq!(fills, run(5), "however often one looks");
}

#[test]
fn a_day_order_ends_at_the_close_and_a_gtc_order_stays() {
    let mut s = Scene::stern();
    let spy = share("SPY");
    let wish = |tif| terms(OrderKind::Limit, tif, Some((1.0, Effect::Debit)));
    let day = s.place(wish(TimeInForce::Day), vec![leg(&spy, Action::BuyToOpen, 1)]);
    let gtc = s.place(wish(TimeInForce::Gtc), vec![leg(&spy, Action::BuyToOpen, 1)]);
    let close = days::at(chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap(), 16, 0);
    s.until(close - seconds(1));
    assert_eq!(s.order(day).status, Status::Live);
    s.until(close);
    assert_eq!((s.order(day).status, s.order(day).terminal_at), (Status::Expired, Some(close)));
    assert_eq!(s.order(gtc).status, Status::Live);
    // Of the evening: it waits for Monday.
    let late = s.place(wish(TimeInForce::Day), vec![leg(&spy, Action::BuyToOpen, 1)]);
    s.after(seconds(600));
    assert_eq!(s.order(late).status, Status::Received);
    s.until(days::at(chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(), 9, 31));
    assert_eq!((s.order(late).status, s.order(gtc).status), (Status::Live, Status::Live));
}

#[test]
fn a_halt_lets_orders_wait() {
    let mut s = Scene::stern();
    let (from, spy) = (s.venue.at, share("SPY"));
    s.halts = vec![Halt { symbol: "SPY".into(), from, to: from + seconds(60) }];
    let id = s.place(terms(OrderKind::Market, TimeInForce::Day, None), vec![leg(&spy, Action::BuyToOpen, 1)]);
    s.after(seconds(59));
    assert_eq!(s.order(id).status, Status::Live);
    s.after(seconds(2));
    assert_eq!(s.order(id).status, Status::Filled);
}

#[test]
fn a_stop_waits_for_its_trigger() {
    let mut s = Scene::stern();
    let spy = share("SPY");
    let last = s.world.print("SPY", s.venue.at).unwrap().last;
    let stop = |at: f64| {
        let trigger = Decimal::from_f64(at).map(|t| t.round_dp(2));
        Terms { stop_trigger: trigger, ..terms(OrderKind::Stop, TimeInForce::Day, None) }
    };
    s.place(terms(OrderKind::Market, TimeInForce::Day, None), vec![leg(&spy, Action::BuyToOpen, 2)]);
    let far = s.place(stop(last * 0.8), vec![leg(&spy, Action::SellToClose, 1)]);
    let near = s.place(stop(last * 1.01), vec![leg(&spy, Action::SellToClose, 1)]);
    s.after(seconds(3));
    assert_eq!((s.order(far).status, s.order(near).status), (Status::Live, Status::Filled));
}

/// Sells what expires on Friday and looks on Monday.
#[test]
fn the_night_assigns_exercises_and_lets_expire() {
    let mut s = Scene::stern();
    let date = chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
    let close = days::session(date).unwrap().close;
    let spot = s.world.print("SPY", close).unwrap().last.round();
    let strike = |k: f64, right: char| format!("SPY   261120{right}{:08}", (k * 1_000.0) as u64);
    let short_itm = s.option(&strike(spot + 5.0, 'P'));
    let long_itm = s.option(&strike(spot - 8.0, 'C'));
    let worthless = s.option(&strike(spot - 3.0, 'P'));
    let market = || terms(OrderKind::Market, TimeInForce::Day, None);
    s.place(market(), vec![leg(&short_itm, Action::SellToOpen, 2)]);
    s.place(market(), vec![leg(&long_itm, Action::BuyToOpen, 1)]);
    s.place(market(), vec![leg(&worthless, Action::SellToOpen, 3)]);
    s.after(seconds(30));
    let cash = s.venue.accounts[0].book.cash;
    s.until(days::at(date, 17, 59));
    assert_eq!(s.units(&short_itm), Decimal::from(-2));
    s.until(days::at(date, 18, 1));
    for gone in [&short_itm, &long_itm, &worthless] {
        assert_eq!(s.units(gone), Decimal::ZERO);
    }
    // 200 shares are put to the account, 100 are called by it.
    assert_eq!(s.units(&share("SPY")), Decimal::from(300));
    let paid = 200.0 * (spot + 5.0) + 100.0 * (spot - 8.0);
    let moved = (s.venue.accounts[0].book.cash - cash).to_f64().unwrap();
    assert!((moved + paid).abs() < 1e-6, "{moved} {paid}");
    let subs: Vec<&str> =
        s.venue.accounts[0].transactions.iter().rev().take(5).map(|t| t.sub.as_str()).collect();
    for sub in ["Assignment", "Exercise", "Expiration"] {
        assert!(subs.contains(&sub), "{subs:?}");
    }
    s.until(days::at(chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(), 9, 0));
    assert_eq!(s.venue.accounts[0].book.positions.len(), 1, "closed lines are gone in the morning");
}

#[test]
fn an_index_settles_in_cash() {
    let mut s = Scene::stern();
    let date = chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
    let spot = s.world.print("XSP", days::session(date).unwrap().close).unwrap().last;
    let strike = spot.round() + 6.0;
    let put = s.option(&format!("XSP   261120P{:08}", (strike * 1_000.0) as u64));
    s.place(terms(OrderKind::Market, TimeInForce::Day, None), vec![leg(&put, Action::SellToOpen, 1)]);
    s.after(seconds(5));
    let cash = s.venue.accounts[0].book.cash;
    s.until(days::at(date, 18, 0));
    let paid = (cash - s.venue.accounts[0].book.cash).to_f64().unwrap();
    assert!((paid - 100.0 * (strike - spot)).abs() < 0.51, "{paid}");
    let last = s.venue.accounts[0].transactions.last().unwrap();
    assert_eq!(last.sub, "Cash Settled Assignment");
    assert_eq!(s.units(&put), Decimal::ZERO);
}

#[test]
fn shares_held_over_the_ex_date_bring_the_dividend_once() {
    let mut s = Scene::stern();
    let tlt = share("TLT");
    s.place(terms(OrderKind::Market, TimeInForce::Day, None), vec![leg(&tlt, Action::BuyToOpen, 100)]);
    s.after(seconds(5));
    assert_eq!(s.units(&tlt), Decimal::from(100));
    let ex = chrono::NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
    let dividend = s.world.metrics("TLT", days::at(ex, 8, 0)).unwrap().dividend.unwrap();
    let cash = s.venue.accounts[0].book.cash;
    s.until(days::at(ex, 7, 0));
    assert_eq!(s.venue.accounts[0].book.cash, cash);
    s.until(days::at(ex, 20, 0));
    let paid = (s.venue.accounts[0].book.cash - cash).to_f64().unwrap();
    assert!((paid - 100.0 * dividend).abs() < 0.01, "{paid} {dividend}");
    assert_eq!(s.venue.accounts[0].transactions.last().unwrap().sub, "Dividend");
}
