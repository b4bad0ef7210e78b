//! What the screen remembers between frames: focus, selection by key, folds, filters, dialogs, toasts.
//! Small, apart from the snapshot, and changed by the reducer only.

use std::collections::HashMap;
use std::time::Duration;

use tui_input::Input;

use super::dialogs::Dialog;
use super::keymap::{BadKey, Keymap};
use super::rows::{self, RowKey};
use super::theme::{Color, Theme, ThemeName};
use crate::domain::view::View;
use crate::snapshot::{Level, Notice, Snapshot};

/// How the trader wants the screen; built from the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenConfig {
    pub theme: ThemeName,
    /// Role and the colour that replaces the theme's.
    pub colours: Vec<(String, Color)>,
    pub ascii: bool,
    /// Frames per second at most.
    pub frame_cap: u32,
    /// (action, key): replaces the keys of the action.
    pub keys: Vec<(String, String)>,
    pub no_color: bool,
    pub truecolor: bool,
}

impl Default for ScreenConfig {
    fn default() -> Self {
        Self {
            theme: ThemeName::Dark,
            colours: Vec::new(),
            ascii: false,
            frame_cap: 10,
            keys: Vec::new(),
            no_color: false,
            truecolor: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Panel {
    Market,
    Risk,
    Scenario,
    Positions,
    Blotter,
}

impl Panel {
    pub const ALL: [Self; 5] = [Self::Market, Self::Risk, Self::Scenario, Self::Positions, Self::Blotter];

    pub fn index(self) -> usize {
        match self {
            Self::Market => 0,
            Self::Risk => 1,
            Self::Scenario => 2,
            Self::Positions => 3,
            Self::Blotter => 4,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Market => "Market",
            Self::Risk => "Risk by underlying",
            Self::Scenario => "Scenario",
            Self::Positions => "Positions",
            Self::Blotter => "Hedging blotter",
        }
    }

    pub fn step(self, by: isize) -> Self {
        let count = Self::ALL.len();
        let at = (self.index() + count).saturating_add_signed(by) % count;
        Self::ALL[at]
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RiskSort {
    #[default]
    BetaDelta,
    Theta,
    Vega,
    Day,
    Open,
    Worst,
    Var,
    Symbol,
}

impl RiskSort {
    pub fn next(self) -> Self {
        match self {
            Self::BetaDelta => Self::Theta,
            Self::Theta => Self::Vega,
            Self::Vega => Self::Day,
            Self::Day => Self::Open,
            Self::Open => Self::Worst,
            Self::Worst => Self::Var,
            Self::Var => Self::Symbol,
            Self::Symbol => Self::BetaDelta,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::BetaDelta => "by |βΔ|",
            Self::Theta => "by |Θ|",
            Self::Vega => "by |vega|",
            Self::Day => "by day, losses first",
            Self::Open => "by open, losses first",
            Self::Worst => "by |worst|",
            Self::Var => "by |VaR95|",
            Self::Symbol => "by symbol",
        }
    }
}

/// A selection: the key rules, the index only says where to go when the key has gone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cursor {
    pub key: Option<RowKey>,
    pub index: usize,
    pub offset: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    Command,
    Filter,
}

/// The last line while something is typed into it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub kind: EntryKind,
    pub input: Input,
    /// How far back in the history the line stands; 0 is the line being typed.
    pub back: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    pub notice: Notice,
    /// When it goes by itself, on the screen's own clock.
    pub until: Option<Duration>,
}

const TOAST_TIME: Duration = Duration::from_secs(5);
const MOST_TOASTS: usize = 5;
const MOST_HISTORY: usize = 50;

#[derive(Debug)]
pub struct UiState {
    pub(super) theme: Theme,
    pub(super) keymap: Keymap,
    pub(super) ascii: bool,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    pub focus: Panel,
    pub zoom: bool,
    pub(super) cursors: [Cursor; 5],
    pub(super) column: Option<usize>,
    pub(super) folds: HashMap<RowKey, bool>,
    pub(super) filters: [String; 5],
    pub(super) risk_sort: RiskSort,
    pub(super) entry: Option<Entry>,
    pub history: Vec<String>,
    pub(super) dialogs: Vec<Dialog>,
    pub(super) toasts: Vec<Toast>,
    pub(super) frozen_at: Option<Duration>,
    /// The view asked for last, until a picture shows it: keys typed ahead build on it. And how long that is
    /// believed.
    pub(super) wished: Option<(View, Duration)>,
    /// The screen's own monotonic clock, from the start of the run.
    pub(super) now: Duration,
    /// When the picture in view came in.
    pub(super) snapshot_at: Duration,
}

impl UiState {
    pub fn new(config: &ScreenConfig) -> Result<Self, BadKey> {
        Ok(Self {
            theme: Theme::with_colours(config.theme, config.no_color, config.truecolor, &config.colours),
            keymap: Keymap::with_overrides(&config.keys)?,
            ascii: config.ascii,
            size: (160, 50),
            focus: Panel::Risk,
            zoom: false,
            cursors: Default::default(),
            column: None,
            folds: HashMap::new(),
            filters: Default::default(),
            risk_sort: RiskSort::default(),
            entry: None,
            history: Vec::new(),
            dialogs: Vec::new(),
            toasts: Vec::new(),
            frozen_at: None,
            wished: None,
            now: Duration::ZERO,
            snapshot_at: Duration::ZERO,
        })
    }

    /// The view that the next key starts from.
    pub(super) fn view(&self, snapshot: &Snapshot) -> View {
        match &self.wished {
            Some((view, until)) if self.now < *until => view.clone(),
            _ => snapshot.view.clone(),
        }
    }

    pub fn cursor(&self, panel: Panel) -> &Cursor {
        &self.cursors[panel.index()]
    }

    pub fn selected(&self) -> Option<&RowKey> {
        self.cursor(self.focus).key.as_ref()
    }

    /// Lower case, as it is matched.
    pub fn filter(&self, panel: Panel) -> String {
        self.filters[panel.index()].to_lowercase()
    }

    pub fn is_open(&self, key: &RowKey, by_default: bool) -> bool {
        self.folds.get(key).copied().unwrap_or(by_default)
    }

    /// The column of the scenario matrix in which the cursor stands: the unmoved spot until it was moved.
    pub fn scenario_column(&self, snapshot: &Snapshot) -> usize {
        let moves = &snapshot.scenario.spot_moves;
        let centre = moves.iter().position(|m| m.abs() < 1e-9).unwrap_or(moves.len() / 2);
        self.column.unwrap_or(centre).min(moves.len().saturating_sub(1))
    }

    /// Seconds since the picture came in; time stands still for a frozen one's successor, not for its age.
    pub fn since_snapshot(&self) -> Duration {
        self.now.saturating_sub(self.snapshot_at)
    }

    /// Advances the screen's clock; answers whether something it shows went away.
    pub fn at(&mut self, now: Duration) -> bool {
        self.now = self.now.max(now);
        let before = self.toasts.len();
        self.toasts.retain(|t| t.until.is_none_or(|until| until > self.now));
        self.toasts.len() != before
    }

    pub fn is_frozen(&self) -> bool {
        self.frozen_at.is_some()
    }

    pub fn say(&mut self, level: Level, text: impl Into<String>, remedy: Option<String>) {
        self.toast(Notice { level, text: text.into(), remedy });
    }

    pub fn toast(&mut self, notice: Notice) {
        let until = (notice.level != Level::Error).then(|| self.now + TOAST_TIME);
        self.toasts.retain(|t| t.notice.text != notice.text);
        if self.toasts.len() >= MOST_TOASTS {
            // What goes by itself makes room for what must be read.
            let at = self.toasts.iter().position(|t| t.until.is_some()).unwrap_or(0);
            self.toasts.remove(at);
        }
        self.toasts.push(Toast { notice, until });
    }

    pub fn remember(&mut self, line: &str) {
        self.history.retain(|l| l != line);
        self.history.push(line.to_owned());
        if self.history.len() > MOST_HISTORY {
            self.history.remove(0);
        }
    }

    /// Follows the selected keys through a new picture, a filter or a fold; where a key has gone, the row
    /// that took its place is selected.
    pub fn settle(&mut self, snapshot: &Snapshot) {
        let layout = super::layout::of(snapshot, self);
        for panel in Panel::ALL {
            let keys = rows::keys(panel, snapshot, self);
            let height = super::layout::rows_in_sight(panel, &layout);
            let cursor = &mut self.cursors[panel.index()];
            let found = cursor.key.as_ref().and_then(|key| keys.iter().position(|k| k == key));
            let index = found.unwrap_or(cursor.index).min(keys.len().saturating_sub(1));
            cursor.index = index;
            cursor.key = keys.get(index).cloned();
            cursor.offset = window(cursor.offset, index, keys.len(), height);
        }
    }
}

/// The offset nearest to `offset` at which `index` is visible in `height` rows of `count`.
pub fn window(offset: usize, index: usize, count: usize, height: usize) -> usize {
    if height == 0 {
        return 0;
    }
    let low = (index + 1).saturating_sub(height);
    offset.clamp(low, index.max(low)).min(count.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_keeps_the_row_in_sight() {
        assert_eq!(window(0, 3, 10, 5), 0);
        assert_eq!(window(0, 7, 10, 5), 3);
        assert_eq!(window(6, 2, 10, 5), 2);
        assert_eq!(window(9, 9, 10, 5), 5);
        assert_eq!(window(4, 0, 3, 5), 0);
        assert_eq!(window(4, 2, 3, 0), 0);
    }

    #[test]
    fn errors_stay_and_the_rest_goes_after_five_seconds() {
        let mut ui = UiState::new(&ScreenConfig::default()).unwrap();
        ui.say(Level::Done, "copied", None);
        ui.say(Level::Error, "refused", Some("try again".into()));
        assert!(!ui.at(Duration::from_secs(4)));
        assert!(ui.at(Duration::from_secs(5)));
        assert_eq!(ui.toasts.len(), 1);
        assert_eq!(ui.toasts[0].notice.level, Level::Error);
    }
}
