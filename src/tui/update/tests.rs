//! Key sequences and what they lead to.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::domain::Command;
use crate::domain::control::KillMode;
use crate::domain::view::{Counts, Horizon, Scope};
use crate::domain::{PortfolioId, Strategy};
use crate::tui::dialogs::Dialog;
use crate::tui::message::Request;
use crate::tui::rows::RowKey;
use crate::tui::sample;
use crate::tui::state::{Panel, ScreenConfig};

struct Desk {
    ui: UiState,
    snapshot: Snapshot,
    effects: Vec<Effect>,
}

impl Desk {
    fn new() -> Self {
        let snapshot = sample::normal();
        let mut ui = UiState::new(&ScreenConfig::default()).unwrap();
        ui.settle(&snapshot);
        Self { ui, snapshot, effects: Vec::new() }
    }

    /// `jj<enter>`: characters as keys, names in brackets.
    fn keys(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while let Some(c) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|r| r.split_once('>')).filter(|(n, _)| n.len() > 1);
            let event = match named {
                Some((name, tail)) => {
                    rest = tail;
                    named_key(name)
                }
                None => {
                    rest = &rest[c.len_utf8()..];
                    KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
                }
            };
            self.effects.extend(update(&mut self.ui, Message::Key(event), &self.snapshot));
        }
        self
    }

    fn selected(&self) -> Option<&RowKey> {
        self.ui.selected()
    }

    fn commands(&self) -> Vec<&Command> {
        let command = |e: &'_ Effect| matches!(e, Effect::Ask(Request::Command(_)));
        assert!(self.effects.iter().all(command), "{:?}", self.effects);
        self.effects
            .iter()
            .filter_map(|e| match e {
                Effect::Ask(Request::Command(command)) => Some(command),
                _ => None,
            })
            .collect()
    }
}

fn named_key(name: &str) -> KeyEvent {
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "shift-tab" => KeyCode::BackTab,
        "up" => KeyCode::Up,
        "bs" => KeyCode::Backspace,
        "pgdn" => KeyCode::PageDown,
        other => match other.strip_prefix("c-").and_then(|r| r.chars().next()) {
            Some(c) => return KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL),
            None => panic!("no key named {other}"),
        },
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn underlying(name: &str) -> RowKey {
    RowKey::Underlying(crate::domain::Symbol::new(name).unwrap())
}

#[test]
fn moving_stays_inside_and_ends_are_ends() {
    let mut desk = Desk::new();
    assert_eq!(desk.selected(), Some(&underlying("NVDA")));
    assert_eq!(desk.keys("k").selected(), Some(&underlying("NVDA")));
    assert_eq!(desk.keys("jj").selected(), Some(&underlying("XLF")));
    assert_eq!(desk.keys("G").selected(), Some(&underlying("QQQ")));
    assert_eq!(desk.keys("j<pgdn>").selected(), Some(&underlying("QQQ")));
    assert_eq!(desk.keys("g").selected(), Some(&underlying("NVDA")));
}

#[test]
fn the_selection_follows_its_key_through_sorting_and_new_pictures() {
    let mut desk = Desk::new();
    desk.keys("jj");
    desk.keys("s");
    assert_eq!(desk.selected(), Some(&underlying("XLF")));
    desk.snapshot.underlyings.rows.reverse();
    update(&mut desk.ui, Message::Snapshot, &desk.snapshot);
    assert_eq!(desk.selected(), Some(&underlying("XLF")));
    desk.snapshot.underlyings.rows.retain(|r| r.symbol.as_str() != "XLF");
    update(&mut desk.ui, Message::Snapshot, &desk.snapshot);
    assert!(desk.selected().is_some_and(|key| *key != underlying("XLF")));
}

#[test]
fn focus_goes_by_number_and_in_a_ring() {
    let mut desk = Desk::new();
    desk.keys("5<tab>");
    assert_eq!(desk.ui.focus, Panel::Market);
    desk.keys("<shift-tab>");
    assert_eq!(desk.ui.focus, Panel::Blotter);
    desk.keys("3");
    assert_eq!(desk.ui.focus, Panel::Scenario);
}

#[test]
fn folds_open_and_close_and_left_leads_to_the_parent() {
    let mut desk = Desk::new();
    desk.keys("4jl");
    let trade = RowKey::Trade(sample::trade_id(1));
    assert_eq!(desk.selected(), Some(&trade));
    desk.keys("j");
    assert!(matches!(desk.selected(), Some(RowKey::Leg(..))));
    desk.keys("h");
    assert_eq!(desk.selected(), Some(&trade));
    desk.keys("hh");
    assert!(matches!(desk.selected(), Some(RowKey::Group(s)) if s.as_str() == "SPY"));
    desk.keys("hj");
    assert!(matches!(desk.selected(), Some(RowKey::Group(s)) if s.as_str() == "NVDA"));
}

#[test]
fn escape_goes_back_one_level_and_never_quits() {
    let mut desk = Desk::new();
    desk.keys("z/spy<enter>");
    assert!(desk.ui.zoom);
    desk.keys("<enter><enter>");
    assert_eq!(desk.ui.dialogs.len(), 2);
    desk.keys("<esc>");
    assert_eq!(desk.ui.dialogs.len(), 1);
    desk.keys("<esc><esc>");
    assert_eq!(desk.ui.filter(Panel::Risk), "");
    assert!(desk.ui.zoom);
    desk.keys("<esc><esc><esc><esc>");
    assert!(!desk.ui.zoom);
    assert!(desk.effects.is_empty());
}

#[test]
fn the_drill_down_goes_from_underlying_to_trade_to_leg() {
    let mut desk = Desk::new();
    desk.keys("j<enter>j<enter>j<enter>");
    assert_eq!(desk.ui.dialogs.len(), 3);
    match (&desk.ui.dialogs[1], &desk.ui.dialogs[2]) {
        (Dialog::Trade { id, .. }, Dialog::Leg { trade, instrument }) => {
            assert_eq!((*id, *trade), (sample::trade_id(2), sample::trade_id(2)));
            assert!(instrument.starts_with("SPY"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn quitting_works_from_everywhere_but_not_over_typed_text() {
    let mut desk = Desk::new();
    assert_eq!(desk.keys("q").effects, [Effect::Ask(Request::Quit)]);
    let mut desk = Desk::new();
    desk.keys("4jnsome words<c-c>");
    assert!(desk.effects.is_empty());
    assert!(matches!(desk.ui.dialogs.last(), Some(Dialog::Confirm { .. })));
    desk.keys("<enter>");
    assert!(
        matches!(desk.ui.dialogs.last(), Some(Dialog::Text { input, .. }) if input.value() == "some words")
    );
    assert_eq!(desk.keys("<c-c>y").effects, [Effect::Ask(Request::Quit)]);
}

#[test]
fn view_keys_ask_the_engine_and_change_nothing_themselves() {
    let mut desk = Desk::new();
    desk.keys("f>B");
    let views: Vec<_> = desk
        .commands()
        .into_iter()
        .map(|c| match c {
            Command::SetView { view } => view.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(views[0].counts, Counts::WhatIf, "without working orders that step is passed over");
    assert_eq!(views[1].horizon, Horizon::FiveDays);
    assert_eq!(views[2].scenario_of.as_ref().map(crate::domain::Symbol::as_str), Some("NVDA"));
    assert_eq!(desk.snapshot.view.counts, Counts::Real, "the picture is the engine's");
}

#[test]
fn refresh_and_streaming_are_commands() {
    let mut desk = Desk::new();
    desk.keys("rS");
    assert_eq!(desk.commands(), [&Command::Refresh, &Command::SetStreaming { on: false }]);
}

#[test]
fn a_whatif_starts_with_the_underlying_and_is_not_booked_without_a_reason() {
    let mut desk = Desk::new();
    desk.keys("jwic 45d 16 w5 x1 @medium<enter>");
    assert!(desk.effects.is_empty());
    desk.keys("<enter>");
    assert!(desk.effects.is_empty(), "an empty rationale books nothing");
    desk.keys("income, IVR 23<enter>");
    match desk.commands().as_slice() {
        [Command::Book { line, rationale }] => {
            assert_eq!(line.underlying.as_str(), "SPY");
            assert_eq!(line.strategy, Strategy::IronCondor);
            assert_eq!(rationale, "income, IVR 23");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_with_its_rationale_books_at_once() {
    let mut desk = Desk::new();
    desk.keys(":spy ic 45d -- premium is rich<enter>");
    assert!(
        matches!(desk.commands().as_slice(), [Command::Book { rationale, .. }] if rationale == "premium is rich")
    );
}

#[test]
fn unknown_lines_are_refused_with_a_way_on() {
    let mut desk = Desk::new();
    desk.keys(":fly me<enter>");
    assert!(desk.effects.is_empty());
    let toast = &desk.ui.toasts[0];
    assert!(toast.until.is_none() && toast.notice.remedy.is_some());
    desk.keys("<esc>");
    assert!(desk.ui.toasts.is_empty());
}

#[test]
fn the_command_line_names_views() {
    let mut desk = Desk::new();
    desk.keys(
        ":portfolio medium<enter>:counts whatif<enter>:horizon 5d<enter>:stream off<enter>:refresh<enter>",
    );
    let commands = desk.commands();
    assert_eq!(commands.len(), 5);
    let medium = Scope::Portfolio(PortfolioId::from_key("medium"));
    assert!(matches!(commands[0], Command::SetView { view } if view.scope == medium));
    assert!(matches!(commands[1], Command::SetView { view } if view.counts == Counts::WhatIf));
    assert!(matches!(commands[2], Command::SetView { view } if view.horizon == Horizon::FiveDays));
    assert_eq!(commands[3], &Command::SetStreaming { on: false });
    assert_eq!(commands[4], &Command::Refresh);
}

#[test]
fn earlier_lines_come_back_and_tab_completes() {
    let mut desk = Desk::new();
    desk.keys(":refresh<enter>:<up><enter>:stre<tab>");
    assert_eq!(desk.commands().len(), 2);
    let line = desk.ui.entry.as_ref().map(|e| e.input.value().to_owned());
    assert!(line.as_deref().is_some_and(|l| l.starts_with("stream")), "{line:?}");
}

#[test]
fn a_portfolio_is_picked_from_a_list() {
    let mut desk = Desk::new();
    desk.keys("pj<enter>");
    let core = Scope::Portfolio(PortfolioId::from_key("core"));
    assert!(matches!(desk.commands().as_slice(), [Command::SetView { view }] if view.scope == core));
}

#[test]
fn moving_a_trade_offers_the_portfolios_that_may_take_it() {
    let mut desk = Desk::new();
    desk.keys("4jmj<enter>");
    let medium = PortfolioId::from_key("medium");
    let moved = Command::Move { trade: sample::trade_id(1), to: medium };
    assert_eq!(desk.commands(), [&moved], "below it stands what cannot be had");
    desk.keys("m");
    let Some(Dialog::Pick { items, .. }) = desk.ui.dialogs.last() else { panic!("a list") };
    let last = items.last().unwrap();
    assert!(last.choice.is_none());
    assert_eq!(last.label, "Core: lives in another account than the position");
}

#[test]
fn where_no_portfolio_may_take_it_nothing_can_be_picked() {
    let mut desk = Desk::new();
    for route in &mut desk.snapshot.positions.groups[0].trades[0].routes {
        route.refused = Some("not permitted there".to_owned());
    }
    desk.keys("4jm<enter>");
    assert!(desk.commands().is_empty());
}

#[test]
fn only_a_whatif_can_be_discarded_and_only_with_reason_and_yes() {
    let mut desk = Desk::new();
    desk.keys("4jd");
    assert!(desk.ui.dialogs.is_empty(), "a real trade has nothing to discard");
    desk.keys("jjjjd");
    desk.keys("too wide<enter><enter>");
    assert!(desk.effects.is_empty(), "Enter stands on No");
    desk.keys("dtoo wide<enter>y");
    match desk.commands().as_slice() {
        [Command::Discard { trade, reason }] => {
            assert_eq!((*trade, reason.as_str()), (sample::trade_id(5), "too wide"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_rationale_is_recorded_as_a_decision() {
    let mut desk = Desk::new();
    desk.keys("5jnyield on idle shares<enter>");
    match desk.commands().as_slice() {
        [Command::Log(entry)] => {
            assert_eq!(entry.trade, Some(sample::trade_id(8)));
            assert_eq!(entry.kind, crate::domain::event::NoteKind::Decision);
            assert_eq!(entry.rationale, "yield on idle shares");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn problems_are_visited_in_the_order_of_the_screen() {
    let mut desk = Desk::new();
    desk.keys(".");
    assert_eq!(desk.selected(), Some(&underlying("SPY")));
    desk.keys("..");
    assert_eq!(desk.ui.focus, Panel::Positions);
    desk.keys(".");
    assert_eq!(desk.selected(), Some(&RowKey::Todo("exit:1".into())));
    desk.keys(",,");
    assert_eq!(desk.selected(), Some(&underlying("TLT")));
}

#[test]
fn copying_says_what_was_copied() {
    let mut desk = Desk::new();
    desk.keys("y");
    assert_eq!(desk.effects, [Effect::Copy("NVDA".into())]);
    desk.keys("Y");
    assert!(matches!(&desk.effects[1], Effect::Copy(row) if row.contains("worst −2,872")));
    assert_eq!(desk.ui.toasts.len(), 2);
}

#[test]
fn pasted_text_stays_on_one_line_and_carries_no_escapes() {
    let mut desk = Desk::new();
    desk.keys("4jn");
    update(&mut desk.ui, Message::Paste("two\nlines\u{1b}[31m".into()), &desk.snapshot);
    desk.keys("<enter>");
    assert!(matches!(desk.commands().as_slice(), [Command::Log(e)] if e.rationale == "two lines"));
}

#[test]
fn the_filter_works_while_it_is_typed() {
    let mut desk = Desk::new();
    desk.keys("/sp");
    assert_eq!(crate::tui::rows::risk_rows(&desk.snapshot, &desk.ui).len(), 1);
    assert_eq!(desk.selected(), Some(&underlying("SPY")));
    desk.keys("<esc>");
    assert_eq!(crate::tui::rows::risk_rows(&desk.snapshot, &desk.ui).len(), 6);
}

#[test]
fn working_orders_count_in_a_step_of_their_own() {
    let mut desk = Desk::new();
    desk.snapshot.header.working = 1;
    desk.keys("f");
    assert!(matches!(desk.commands()[0], Command::SetView { view } if view.counts == Counts::Working));
}

#[test]
fn keys_typed_ahead_build_on_what_was_asked_for() {
    let mut desk = Desk::new();
    desk.keys("f>");
    let views: Vec<_> = desk.commands();
    let asked = |command: &Command| match command {
        Command::SetView { view } => (view.counts, view.horizon),
        other => panic!("{other:?}"),
    };
    let last = asked(views[1]);
    assert_eq!(asked(views[0]).0, Counts::WhatIf);
    assert_eq!(last, (Counts::WhatIf, Horizon::FiveDays));
}

#[test]
fn the_kill_switch_is_safe_at_once_and_hard_after_the_word() {
    let mut desk = Desk::new();
    desk.keys("<c-k>s");
    let safe = Command::Kill { mode: KillMode::Safe, why: "on the screen".into() };
    assert_eq!(desk.commands(), [&safe]);
    desk.effects.clear();
    desk.keys("<c-k>hhard<enter>");
    assert!(desk.commands().is_empty(), "not in small letters");
    assert!(matches!(desk.ui.dialogs.last(), Some(Dialog::Text { .. })), "what was typed is still there");
    desk.keys("<esc>");
    desk.keys("<c-k>hHARD<enter>");
    assert!(matches!(desk.commands().as_slice(), [Command::Kill { mode: KillMode::Hard, .. }]));
    assert!(desk.ui.dialogs.is_empty());
}

#[test]
fn the_kill_switch_opens_over_anything_and_leaves_it_as_it_was() {
    let mut desk = Desk::new();
    desk.keys("j:spy ic");
    desk.keys("<c-k>");
    assert!(matches!(desk.ui.dialogs.as_slice(), [Dialog::Kill]));
    desk.keys("<c-k>");
    assert!(desk.ui.dialogs.is_empty());
    assert_eq!(desk.ui.entry.as_ref().map(|entry| entry.input.value()), Some("spy ic"));
    desk.keys("<esc>?");
    desk.keys("<c-k>x");
    assert!(matches!(desk.ui.dialogs.as_slice(), [Dialog::Help { .. }]));
    assert!(desk.effects.is_empty());
}

#[test]
fn a_reset_needs_a_raised_switch_and_a_reason() {
    let mut desk = Desk::new();
    desk.keys("<c-k>r");
    assert!(desk.ui.dialogs.is_empty(), "it is off");
    desk.snapshot = sample::killed();
    desk.keys("<c-k>r <enter>");
    assert!(desk.commands().is_empty(), "a space is no reason");
    desk.keys("all looked at<enter>");
    assert_eq!(desk.commands(), [&Command::ResetKill { reason: "all looked at".into() }]);
    desk.effects.clear();
    desk.keys("<c-k>aby hand<enter>");
    assert_eq!(desk.commands(), [&Command::ClearAlarms { reason: "by hand".into() }]);
}

#[test]
fn nobody_is_asked_for_a_reason_that_would_be_thrown_away() {
    use crate::domain::order::OrderFor;
    use crate::snapshot::positions::NoOrder;
    let mut desk = Desk::new();
    let asks = |desk: &Desk| desk.ui.dialogs.iter().any(|dialog| matches!(dialog, Dialog::Text { .. }));
    desk.keys("4jX");
    assert!(asks(&desk), "an exit can be rested");
    desk.keys("<esc>");
    for row in desk.snapshot.positions.groups.iter_mut().flat_map(|group| &mut group.trades) {
        let (why, remedy) = ("its exit rule names no price".to_owned(), "x closes it".to_owned());
        row.no_orders = vec![NoOrder { purpose: OrderFor::RestExit, why, remedy }];
    }
    desk.keys("X");
    assert!(!asks(&desk));
    assert!(desk.ui.toasts.iter().any(|toast| toast.notice.text.contains("names no price")));
    desk.keys("x");
    assert!(asks(&desk), "closing it stands");
}

#[test]
fn an_order_is_sent_by_a_yes_and_by_nothing_less() {
    let mut desk = Desk::new();
    desk.snapshot = sample::with_orders();
    desk.keys("Ojjb<enter>");
    assert!(desk.commands().is_empty(), "Enter alone never sends");
    desk.keys("by");
    let (staged, shown_at) = (desk.snapshot.orders.rows[2].reference, desk.snapshot.as_of);
    let wanted = Command::Send { order: staged, body_hash: "3b1f".into(), typed: None, shown_at };
    assert_eq!(desk.commands(), [&wanted]);
}

#[test]
fn with_real_money_symbol_and_lots_are_typed() {
    let mut desk = Desk::new();
    desk.snapshot = sample::with_orders();
    desk.snapshot.mode = crate::snapshot::Mode::Live;
    for order in &mut desk.snapshot.orders.rows {
        order.venue = Some(crate::domain::control::Venue::Live);
    }
    desk.keys("Ojjby<enter>");
    assert!(desk.commands().is_empty(), "a letter is no order");
    desk.keys("bspy 1<enter>");
    let (staged, shown_at) = (desk.snapshot.orders.rows[2].reference, desk.snapshot.as_of);
    let wanted =
        Command::Send { order: staged, body_hash: "3b1f".into(), typed: Some("spy 1".into()), shown_at };
    assert_eq!(desk.commands(), [&wanted]);
}

#[test]
fn only_a_working_order_is_cancelled_or_given_another_price() {
    let mut desk = Desk::new();
    desk.snapshot = sample::with_orders();
    desk.keys("Oxe");
    assert!(desk.commands().is_empty(), "what is unknown is looked up, not changed");
    desk.keys("jxy");
    desk.keys("e1.16<enter>");
    let working = desk.snapshot.orders.rows[1].reference;
    let limit = crate::domain::order::NetPrice(rust_decimal::Decimal::new(116, 2));
    let wanted = [Command::CancelOrder { order: working }, Command::ReplaceOrder { order: working, limit }];
    assert_eq!(desk.commands(), wanted.iter().collect::<Vec<_>>());
}

#[test]
fn tab_takes_the_exits_along_and_leaves_them_again() {
    use crate::domain::order::OrderFor;
    let mut desk = Desk::new();
    let shown = |desk: &Desk| match desk.ui.dialogs.last() {
        Some(Dialog::Text { title, input, .. }) => (title.clone(), input.value().to_owned()),
        other => panic!("{other:?}"),
    };
    desk.keys("4jX").keys("take it");
    assert_eq!(shown(&desk), ("Rest an exit (GTC)".to_owned(), "take it".to_owned()));
    desk.keys("<tab>");
    assert_eq!(
        shown(&desk),
        ("Rest two exits (OCO)".to_owned(), "take it".to_owned()),
        "what is typed stays"
    );
    desk.keys("<tab>");
    assert_eq!(shown(&desk).0, "Rest an exit (GTC)");
    desk.keys("<tab><enter>");
    let commands = desk.commands();
    assert!(
        matches!(commands[..], [Command::Stage { purpose: OrderFor::Bracket, limit: None, .. }]),
        "{commands:?}"
    );
}
