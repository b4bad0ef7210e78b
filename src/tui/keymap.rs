//! The one table of keys: it feeds the dispatcher, the hint line, the help and the palette. An action stands
//! here only if it works.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::rows::{self, RowKey};
use super::state::{Panel, UiState};
use crate::domain::text::clean;
use crate::snapshot::Snapshot;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Down,
    Up,
    Left,
    Right,
    Top,
    Bottom,
    HalfPageDown,
    HalfPageUp,
    PageDown,
    PageUp,
    NextPanel,
    PreviousPanel,
    Focus(Panel),
    Open,
    Back,
    Zoom,
    Filter,
    CommandLine,
    Help,
    NextProblem,
    PreviousProblem,
    Sort,
    Refresh,
    Streaming,
    Freeze,
    Counts,
    Portfolio,
    Earlier,
    Later,
    Subject,
    WhatIf,
    Move,
    Note,
    Discard,
    StepOn,
    Close,
    RestExit,
    Edit,
    Orders,
    Acknowledge,
    Copy,
    CopyRow,
    Kill,
    Suspend,
    Quit,
}

/// Where a key means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    Everywhere,
    Only(&'static [Panel]),
}

impl Context {
    pub fn holds(self, panel: Panel) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Only(panels) => panels.contains(&panel),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Press {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

#[derive(Debug, Clone)]
pub struct Binding {
    pub action: Action,
    /// The name by which configuration and palette call it.
    pub name: &'static str,
    pub context: Context,
    pub keys: Vec<Press>,
    pub label: &'static str,
    /// Place in the hint line, the smallest number first; `None`: only in the help.
    pub hint: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    #[error("keymap: no action named {:?}", clean(.0, 40))]
    Action(String),
    #[error("keymap: {:?} is not a key", clean(.0, 40))]
    Key(String),
    #[error("keymap: {key} would mean both {first} and {second}")]
    Clash { key: String, first: &'static str, second: &'static str },
}

impl BadKey {
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Action(_) => "take a name that the help (?) prints beside its key",
            Self::Key(_) => "write keys as j, ctrl-d, enter, esc, tab, shift-tab, pgup, space or f1",
            Self::Clash { .. } => "give one of the two another key",
        }
    }
}

const RISK_SCENARIO: Context = Context::Only(&[Panel::Risk, Panel::Scenario]);
const RISK_POSITIONS: Context = Context::Only(&[Panel::Risk, Panel::Positions]);
const ROWS: Context = Context::Only(&[Panel::Risk, Panel::Scenario, Panel::Positions, Panel::Blotter]);
const TRADES: Context = Context::Only(&[Panel::Positions, Panel::Blotter]);
const NOTES: Context = Context::Only(&[Panel::Risk, Panel::Positions, Panel::Blotter]);
const ALL: Context = Context::Everywhere;

type Row = (Action, &'static str, Context, &'static str, &'static str, Option<u8>);

/// Action, name, where, keys, what it does, place in the hint line.
const TABLE: &[Row] = &[
    (Action::Down, "down", ALL, "j down", "move down", None),
    (Action::Up, "up", ALL, "k up", "move up", None),
    (Action::Left, "left", ALL, "h left", "fold, or one cell left", None),
    (Action::Right, "right", ALL, "l right", "unfold, or one cell right", None),
    (Action::Top, "top", ALL, "g home", "first row", None),
    (Action::Bottom, "bottom", ALL, "G end", "last row", None),
    (Action::HalfPageDown, "half-page-down", ALL, "ctrl-d", "half a page down", None),
    (Action::HalfPageUp, "half-page-up", ALL, "ctrl-u", "half a page up", None),
    (Action::PageDown, "page-down", ALL, "pgdn", "page down", None),
    (Action::PageUp, "page-up", ALL, "pgup", "page up", None),
    (Action::NextPanel, "next-panel", ALL, "tab", "next panel", None),
    (Action::PreviousPanel, "previous-panel", ALL, "shift-tab", "previous panel", None),
    (Action::Focus(Panel::Market), "market", ALL, "1", "market context", None),
    (Action::Focus(Panel::Risk), "risk", ALL, "2", "risk by underlying", None),
    (Action::Focus(Panel::Scenario), "scenario", ALL, "3", "scenario matrix", None),
    (Action::Focus(Panel::Positions), "positions", ALL, "4", "positions", None),
    (Action::Focus(Panel::Blotter), "blotter", ALL, "5", "what to do", None),
    (Action::Open, "open", ROWS, "enter", "open", Some(10)),
    (Action::Back, "back", ALL, "esc", "back", None),
    (Action::WhatIf, "whatif", RISK_POSITIONS, "w", "WhatIf", Some(20)),
    (Action::Move, "move", TRADES, "m", "move to a portfolio", Some(21)),
    (Action::Note, "note", NOTES, "n", "note", Some(22)),
    (Action::Discard, "discard", TRADES, "d", "discard", Some(23)),
    (Action::StepOn, "step-on", TRADES, "b", "on: stage, send", Some(24)),
    (Action::Close, "close", TRADES, "x", "close", Some(25)),
    (Action::RestExit, "rest-exit", TRADES, "X", "rest an exit at the rule's price", None),
    (Action::Edit, "edit", TRADES, "e", "price of a working order", None),
    (Action::Earlier, "earlier", RISK_SCENARIO, "<", "earlier horizon", None),
    (Action::Later, "later", RISK_SCENARIO, ">", "horizon", Some(30)),
    (Action::Subject, "book-or-underlying", RISK_SCENARIO, "B", "book or underlying", Some(31)),
    (Action::Sort, "sort", Context::Only(&[Panel::Risk]), "s", "sort", Some(32)),
    (Action::NextProblem, "next-problem", ALL, ".", "next problem", Some(40)),
    (Action::PreviousProblem, "previous-problem", ALL, ",", "previous problem", None),
    (Action::Refresh, "refresh", ALL, "r", "refresh", Some(1)),
    (Action::Streaming, "streaming", ALL, "S", "stream", Some(2)),
    (Action::Counts, "counts", ALL, "f", "what counts", Some(50)),
    (Action::Portfolio, "portfolio", ALL, "p", "portfolio", Some(51)),
    (Action::Orders, "orders", ALL, "O", "orders", Some(53)),
    (Action::Zoom, "zoom", ALL, "z", "zoom", Some(52)),
    (Action::Freeze, "freeze", ALL, "F", "freeze", None),
    (Action::Acknowledge, "acknowledge", ALL, "a", "dismiss message", None),
    (Action::Copy, "copy", ROWS, "y", "copy the key of the row", None),
    (Action::CopyRow, "copy-row", ROWS, "Y", "copy the row", None),
    (Action::Filter, "filter", NOTES, "/", "filter", Some(60)),
    (Action::CommandLine, "command", ALL, ":", "command", Some(61)),
    (Action::Help, "help", ALL, "? f1", "help", Some(62)),
    (Action::Kill, "kill", ALL, "ctrl-k", "kill switch", Some(59)),
    (Action::Suspend, "suspend", ALL, "ctrl-z", "back to the shell; fg returns", None),
    (Action::Quit, "quit", ALL, "q ctrl-c", "quit", None),
];

#[derive(Debug, Clone)]
pub struct Keymap {
    pub bindings: Vec<Binding>,
}

impl Keymap {
    pub fn with_overrides(overrides: &[(String, String)]) -> Result<Self, BadKey> {
        let mut bindings = Vec::with_capacity(TABLE.len());
        for (action, name, context, keys, label, hint) in TABLE.iter().copied() {
            let keys = keys.split(' ').map(parse).collect::<Result<Vec<_>, _>>()?;
            bindings.push(Binding { action, name, context, keys, label, hint });
        }
        let mut seen: Vec<&str> = Vec::new();
        for (name, key) in overrides {
            let binding =
                bindings.iter_mut().find(|b| b.name == name).ok_or_else(|| BadKey::Action(name.clone()))?;
            let key = parse(key)?;
            if seen.contains(&binding.name) {
                binding.keys.push(key);
            } else {
                seen.push(binding.name);
                binding.keys = vec![key];
            }
        }
        let keymap = Self { bindings };
        keymap.check()?;
        Ok(keymap)
    }

    /// No key means two things in the same place.
    fn check(&self) -> Result<(), BadKey> {
        for panel in Panel::ALL {
            let here = || self.bindings.iter().filter(|b| b.context.holds(panel));
            for (at, first) in here().enumerate() {
                for second in here().skip(at + 1) {
                    if let Some(key) = first.keys.iter().find(|k| second.keys.contains(k)) {
                        return Err(BadKey::Clash {
                            key: key.words(),
                            first: first.name,
                            second: second.name,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    pub fn action(&self, panel: Panel, event: KeyEvent) -> Option<Action> {
        let press = Press::of(event);
        self.bindings.iter().find(|b| b.context.holds(panel) && b.keys.contains(&press)).map(|b| b.action)
    }

    /// What the hint line offers: keys of the focused panel that would do something now.
    pub fn hints(&self, snapshot: &Snapshot, ui: &UiState) -> Vec<&Binding> {
        let mut hints: Vec<&Binding> = self
            .bindings
            .iter()
            .filter(|b| b.hint.is_some() && b.context.holds(ui.focus) && applies(b.action, snapshot, ui))
            .collect();
        hints.sort_by_key(|b| b.hint);
        hints
    }

    pub fn named(&self, name: &str) -> Option<&Binding> {
        self.bindings.iter().find(|b| b.name == name)
    }

    /// The first key of an action, as the trader would write it.
    pub fn key_of(&self, action: Action) -> String {
        let key = self.bindings.iter().find(|b| b.action == action).and_then(|b| b.keys.first());
        key.map_or_else(String::new, Press::words)
    }
}

/// Whether an action would do something with the present selection.
pub fn applies(action: Action, snapshot: &Snapshot, ui: &UiState) -> bool {
    let key = ui.selected();
    let trade = || key.and_then(|k| rows::trade_of(snapshot, k)).and_then(|id| rows::trade(snapshot, id));
    match action {
        Action::Open | Action::Copy | Action::CopyRow => key.is_some(),
        Action::WhatIf => key.is_some_and(|k| rows::symbol_of(snapshot, k).is_some()),
        Action::Note => matches!(key, Some(RowKey::Underlying(_))) || trade().is_some(),
        Action::Move => trade().is_some() && !snapshot.portfolios.is_empty(),
        Action::Discard => trade().is_some_and(|t| !t.is_open),
        Action::StepOn => trade().is_some_and(|t| !t.is_open || has_order(snapshot, t.id)),
        Action::Close | Action::RestExit => trade().is_some_and(|t| t.is_open),
        Action::Edit => trade().is_some_and(|t| has_order(snapshot, t.id)),
        Action::Subject => snapshot.view.scenario_of.is_some() || ui.cursor(Panel::Risk).key.is_some(),
        Action::NextProblem | Action::PreviousProblem => !rows::problems(snapshot, ui).is_empty(),
        Action::Sort => !snapshot.underlyings.rows.is_empty(),
        Action::Earlier | Action::Later => !snapshot.scenario.cells.is_empty(),
        Action::Acknowledge => !ui.toasts.is_empty(),
        _ => true,
    }
}

fn has_order(snapshot: &Snapshot, trade: crate::domain::TradeId) -> bool {
    snapshot.orders.rows.iter().any(|order| order.trade == trade && !order.state.has_ended())
}

impl Press {
    pub fn of(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            // Terminals differ in whether Shift-Tab arrives as a key of its own.
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            other => other,
        };
        Self { code, ctrl, alt: event.modifiers.contains(KeyModifiers::ALT) }
    }

    pub fn words(&self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "Space".to_owned(),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Enter => "Enter".to_owned(),
            KeyCode::Esc => "Esc".to_owned(),
            KeyCode::Tab => "Tab".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::Home => "Home".to_owned(),
            KeyCode::End => "End".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::F(n) => format!("F{n}"),
            _ => "?".to_owned(),
        };
        match (self.ctrl, self.alt) {
            (true, _) => format!("Ctrl-{name}"),
            (_, true) => format!("Alt-{name}"),
            _ => name,
        }
    }
}

/// `j`, `G`, `ctrl-d`, `alt-x`, `enter`, `shift-tab`, `f1`.
fn parse(text: &str) -> Result<Press, BadKey> {
    let lower = text.to_ascii_lowercase();
    let (ctrl, alt, rest) = match (lower.strip_prefix("ctrl-"), lower.strip_prefix("alt-")) {
        (Some(rest), _) => (true, false, rest),
        (_, Some(rest)) => (false, true, rest),
        _ => (false, false, text),
    };
    let mut chars = rest.chars();
    let code = match (chars.next(), chars.next()) {
        (Some(c), None) => KeyCode::Char(c),
        _ => match rest.to_ascii_lowercase().as_str() {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "shift-tab" => KeyCode::BackTab,
            "space" => KeyCode::Char(' '),
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "pgup" => KeyCode::PageUp,
            "pgdn" => KeyCode::PageDown,
            other => match other.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()) {
                Some(n @ 1..=12) => KeyCode::F(n),
                _ => return Err(BadKey::Key(text.to_owned())),
            },
        },
    };
    Ok(Press { code, ctrl, alt })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn no_key_means_two_things_in_one_place() {
        assert!(Keymap::with_overrides(&[]).is_ok());
    }

    #[test]
    fn every_action_has_its_own_name() {
        let keymap = Keymap::with_overrides(&[]).unwrap();
        for (at, binding) in keymap.bindings.iter().enumerate() {
            let first = keymap.bindings.iter().position(|b| b.name == binding.name);
            assert_eq!(first, Some(at), "{}", binding.name);
        }
    }

    #[test]
    fn configuration_moves_a_key_and_a_clash_is_named() {
        let keymap = Keymap::with_overrides(&[("zoom".into(), "u".into())]).unwrap();
        let none = KeyModifiers::NONE;
        assert_eq!(keymap.action(Panel::Risk, press(KeyCode::Char('u'), none)), Some(Action::Zoom));
        assert_eq!(keymap.action(Panel::Risk, press(KeyCode::Char('z'), none)), None);
        let clash = Keymap::with_overrides(&[("zoom".into(), "r".into())]).unwrap_err();
        assert!(matches!(clash, BadKey::Clash { .. }), "{clash}");
        assert!(Keymap::with_overrides(&[("fly".into(), "u".into())]).is_err());
        assert!(Keymap::with_overrides(&[("zoom".into(), "hyper-e".into())]).is_err());
    }

    #[test]
    fn the_same_key_may_mean_something_else_in_another_panel() {
        let keymap = Keymap::with_overrides(&[]).unwrap();
        let s = press(KeyCode::Char('s'), KeyModifiers::NONE);
        assert_eq!(keymap.action(Panel::Risk, s), Some(Action::Sort));
        assert_eq!(keymap.action(Panel::Blotter, s), None);
        let shift_tab = press(KeyCode::Tab, KeyModifiers::SHIFT);
        assert_eq!(keymap.action(Panel::Risk, shift_tab), Some(Action::PreviousPanel));
        let capital = press(KeyCode::Char('S'), KeyModifiers::SHIFT);
        assert_eq!(keymap.action(Panel::Market, capital), Some(Action::Streaming));
    }
}
