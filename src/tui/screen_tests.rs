//! Frames of the sample book as text, the styles of a few cells, and what holds at every size.

use std::collections::HashSet;
use std::sync::LazyLock;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::message::Message;
use super::sample;
use super::state::{Panel, ScreenConfig, UiState};
use super::theme::ThemeName;
use super::{draw, render_text, screen, update};
use crate::snapshot::Snapshot;

fn ui(snapshot: &Snapshot, width: u16, height: u16) -> UiState {
    let mut ui = UiState::new(&ScreenConfig::default()).unwrap();
    ui.size = (width, height);
    ui.settle(snapshot);
    ui
}

fn frame(snapshot: &Snapshot, width: u16, height: u16) -> String {
    render_text(snapshot, &ui(snapshot, width, height), width, height)
}

#[test]
fn a_terminal_shows_what_the_text_form_says() {
    let snapshot = sample::normal();
    let ui = ui(&snapshot, 160, 50);
    let mut terminal = Terminal::new(TestBackend::new(160, 50)).unwrap();
    terminal.draw(|frame| draw(frame, &snapshot, &ui)).unwrap();
    let buffer = terminal.backend().buffer();
    let text = render_text(&snapshot, &ui, 160, 50);
    for (y, line) in text.lines().enumerate() {
        let row: String = (0..160).map(|x| buffer[(x, u16::try_from(y).unwrap())].symbol()).collect();
        assert_eq!(row.trim_end(), line);
    }
    for panel in Panel::ALL {
        assert!(text.contains(&format!(" {} {} ", panel.index() + 1, panel.name())), "{panel:?}");
    }
}

#[test]
fn own_colours_are_on_the_screen_unless_there_shall_be_none() {
    let snapshot = sample::normal();
    let gain = Color::Rgb(78, 201, 176);
    let drawn = |config: &ScreenConfig| {
        let mut ui = UiState::new(config).unwrap();
        ui.size = (160, 50);
        ui.settle(&snapshot);
        let area = Rect::new(0, 0, 160, 50);
        let mut buffer = Buffer::empty(area);
        screen::render(&snapshot, &ui, area, &mut buffer);
        buffer
    };
    let cells = |buffer: &Buffer| buffer.content.iter().filter(|cell| cell.fg == gain).count();
    let plain = ScreenConfig { truecolor: true, ..ScreenConfig::default() };
    let own = ScreenConfig { colours: vec![("gain".to_owned(), gain)], ..plain.clone() };
    let (before, after) = (drawn(&plain), drawn(&own));
    let green = before
        .content
        .iter()
        .filter(|cell| cell.fg == Color::Green && !cell.modifier.contains(Modifier::BOLD));
    assert_eq!(cells(&before), 0);
    assert!(cells(&after) > 50 && cells(&after) >= green.count());
    let mono = ScreenConfig { no_color: true, ..own };
    assert_eq!(drawn(&mono), drawn(&ScreenConfig { no_color: true, ..plain }));
}

#[test]
fn frames_of_the_sample_book() {
    let books = [
        ("normal", sample::normal()),
        ("stale", sample::stale()),
        ("breached", sample::breached()),
        ("empty", sample::empty()),
        ("killed", sample::killed()),
    ];
    for (name, snapshot) in &books {
        for (width, height) in [(160, 50), (120, 40), (80, 24), (60, 16), (50, 12)] {
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), frame(snapshot, width, height));
        }
    }
}

/// The state after typing; `⏎`, `⎋` and `→` stand for their keys.
fn after(keys: &str, snapshot: &Snapshot, config: &ScreenConfig, width: u16, height: u16) -> UiState {
    let mut ui = UiState::new(config).unwrap();
    ui.size = (width, height);
    ui.settle(snapshot);
    for c in keys.chars() {
        let code = match c {
            '⏎' => KeyCode::Enter,
            '⎋' => KeyCode::Esc,
            '→' => KeyCode::Right,
            c => KeyCode::Char(c),
        };
        update(&mut ui, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)), snapshot);
    }
    ui
}

#[test]
fn frames_of_dialogs_and_lines() {
    let snapshot = sample::normal();
    let cases = [
        ("help", "?", 160, 50),
        ("help_small", "4?", 80, 24),
        ("underlying", "j⏎", 160, 50),
        ("underlying_small", "j⏎", 80, 24),
        ("trade", "4j⏎", 120, 40),
        ("leg", "4j⏎⏎", 80, 24),
        ("todo", "5⏎", 80, 24),
        ("worst_cell", "3ghhhh⏎", 120, 40),
        ("rationale", "jwic 45d⏎income, IVR", 80, 24),
        ("discard", "4jjjjjdtoo wide⏎", 80, 24),
        ("portfolios", "p", 80, 24),
        ("palette", ":re", 80, 24),
        ("filter", "4/call", 80, 24),
        ("refused", ":fly me⏎", 80, 24),
        ("zoomed_positions", "4zjl", 120, 40),
        ("market_open", "1", 80, 24),
        ("zoomed_market", "1z", 160, 50),
        ("zoomed_market_120", "1z", 120, 40),
        ("zoomed_market_80", "1z", 80, 24),
        ("scenario_open", "3", 80, 24),
        ("positions_open", "4", 80, 24),
        ("blotter_open", "5", 80, 24),
        ("scenario_small", "3", 50, 12),
        ("frozen", "F", 80, 24),
    ];
    for (name, keys, width, height) in cases {
        let ui = after(keys, &snapshot, &ScreenConfig::default(), width, height);
        insta::assert_snapshot!(name, render_text(&snapshot, &ui, width, height));
    }
}

/// Ctrl-k and then these.
fn after_kill(keys: &str, snapshot: &Snapshot, width: u16, height: u16) -> UiState {
    let mut ui = ui(snapshot, width, height);
    let press = KeyEvent::new(KeyCode::Char('k'), KeyModifiers::CONTROL);
    update(&mut ui, Message::Key(press), snapshot);
    for c in keys.chars() {
        update(&mut ui, Message::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)), snapshot);
    }
    ui
}

#[test]
fn frames_of_the_kill_switch() {
    let cases = [
        ("kill_off", sample::normal(), ""),
        ("kill_up", sample::killed(), ""),
        ("kill_hard", sample::normal(), "hHA"),
        ("kill_reset", sample::killed(), "r"),
    ];
    for (name, snapshot, keys) in cases {
        let ui = after_kill(keys, &snapshot, 80, 24);
        insta::assert_snapshot!(name, render_text(&snapshot, &ui, 80, 24));
    }
}

#[test]
fn frames_of_the_orders() {
    let snapshot = sample::with_orders();
    let cases =
        [("orders", "O", 160), ("orders_small", "O", 80), ("order", "O⏎", 80), ("order_send", "Ojjb", 80)];
    for (name, keys, width) in cases {
        let height = if width == 160 { 50 } else { 24 };
        let ui = after(keys, &snapshot, &ScreenConfig::default(), width, height);
        insta::assert_snapshot!(name, render_text(&snapshot, &ui, width, height));
    }
}

#[test]
fn a_raised_switch_stays_in_sight_at_every_size_and_in_red() {
    let mut crowded = sample::killed();
    crowded.header.scope = "Core, hypothetical, second try".into();
    crowded.header.link = sample::stale().header.link;
    crowded.header.read_only = Some("another cockpit has the store".into());
    for width in 24..200 {
        let text = frame(&crowded, width, 8);
        let first = text.lines().next().unwrap();
        assert!(first.contains("KILL") && first.contains("● DOWN"), "{text} at {width}");
    }
    for (width, height) in [(160, 50), (80, 24), (50, 12)] {
        let text = frame(&sample::killed(), width, height);
        assert!(text.contains("KILL SWITCH HARD: flag file"), "{text}");
        let ui = ui(&sample::killed(), width, height);
        let red = |snapshot: &Snapshot| {
            buffer(snapshot, &ui).content.iter().filter(|cell| cell.bg == Color::Red).count()
        };
        let quiet = {
            let mut calm = sample::killed();
            calm.header.safety = Default::default();
            calm
        };
        assert!(red(&sample::killed()) > red(&quiet) + usize::from(width), "{width}");
    }
}

#[test]
fn plain_ascii_is_all_that_the_ascii_option_writes() {
    let config = ScreenConfig { ascii: true, theme: ThemeName::Mono, ..ScreenConfig::default() };
    for snapshot in [sample::normal(), sample::stale(), sample::breached()] {
        for keys in ["", "?", "j⏎", "4j⏎", "3", "5⏎"] {
            let text = render_text(&snapshot, &after(keys, &snapshot, &config, 160, 50), 160, 50);
            assert!(text.is_ascii(), "{:?}", text.chars().filter(|c| !c.is_ascii()).collect::<String>());
            assert!(!text.contains('?') || text.contains("? help") || !keys.is_empty());
        }
    }
    let snapshot = sample::normal();
    let text = render_text(&snapshot, &after("", &snapshot, &config, 160, 50), 160, 50);
    insta::assert_snapshot!("ascii_160x50", text);
}

fn buffer(snapshot: &Snapshot, ui: &UiState) -> Buffer {
    let area = Rect::new(0, 0, ui.size.0, ui.size.1);
    let mut buf = Buffer::empty(area);
    screen::render(snapshot, ui, area, &mut buf);
    buf
}

#[test]
fn the_link_stays_in_sight_at_every_size() {
    let mut slow = sample::stale();
    slow.header.scope = "Core, hypothetical, second try".into();
    slow.header.read_only = Some("another cockpit has the store".into());
    slow.header.working_counted = true;
    slow.header.what_ifs = 2;
    for width in 24..200 {
        for (snapshot, sign) in [(&slow, "● DOWN"), (&sample::normal(), "● live")] {
            let text = frame(snapshot, width, 8);
            assert!(text.lines().next().unwrap().contains(sign), "{text} at {width}");
        }
    }
    let normal = frame(&sample::normal(), 80, 24);
    assert!(normal.lines().next().unwrap().contains("WhatIf: 1 OUT"), "{normal}");
    let slow = frame(&slow, 80, 24);
    assert!(slow.lines().next().unwrap().contains("WhatIf: 2 OUT"), "{slow}");
}

#[test]
fn what_is_unknown_wears_no_unit_anywhere() {
    let mut snapshot = sample::normal();
    for quote in &mut snapshot.market.quotes {
        quote.last = crate::snapshot::Shown::unknown();
        quote.change_percent = crate::snapshot::Shown::unknown();
    }
    snapshot.market.vix = crate::snapshot::Shown::unknown();
    snapshot.market.vix_change = crate::snapshot::Shown::unknown();
    snapshot.market.vol_premium = crate::snapshot::Shown::unknown();
    snapshot.account.buying_power_used = crate::snapshot::Shown::unknown();
    snapshot.account.var_utilisation = crate::snapshot::Shown::unknown();
    for strip in &mut snapshot.portfolios {
        strip.tightest =
            strip.tightest.take().map(|limit| crate::snapshot::LimitRow { utilisation: None, ..limit });
    }
    for (width, height) in [(160, 50), (120, 40), (80, 24)] {
        let text = frame(&snapshot, width, height);
        for bad in ["— %", "—%", "— pt", "SPY — —", "VIX — —"] {
            assert!(!text.contains(bad), "{bad:?} in\n{text}");
        }
    }
}

#[test]
fn what_is_of_the_whole_book_says_so() {
    let mut snapshot = sample::normal();
    assert!(!frame(&snapshot, 160, 50).contains("whole book"));
    snapshot.view.scenario_of = Some(snapshot.underlyings.rows[0].symbol.clone());
    let text = frame(&snapshot, 160, 50);
    assert!(text.contains("named stress, whole book") && text.contains("whole book loses"), "{text}");
    let filtered = after("/nv⏎", &snapshot, &ScreenConfig::default(), 80, 24);
    assert!(render_text(&snapshot, &filtered, 80, 24).contains("TOTAL (all)"));
}

#[test]
fn messages_stand_in_boxes_two_at_a_time_the_newest_above() {
    let snapshot = sample::normal();
    let mut ui = ui(&snapshot, 80, 24);
    for text in ["first", "second", "third", "second"] {
        ui.say(crate::snapshot::Level::Error, text, None);
    }
    let text = render_text(&snapshot, &ui, 80, 24);
    let row = |what: &str| text.lines().position(|line| line.contains(what));
    assert!(row("!! second") < row("!! third") && row("!! second").is_some(), "{text}");
    assert!(row("!! first").is_none() && text.contains("1 more behind"), "{text}");
    assert_eq!(text.matches('┌').count(), 2, "{text}");
}

/// Where a text starts on the screen.
fn find(buf: &Buffer, text: &str) -> (u16, u16) {
    for y in 0..buf.area.height {
        let row: Vec<&str> = (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect();
        for x in 0..row.len() {
            if row[x..].concat().starts_with(text) {
                return (u16::try_from(x).unwrap(), y);
            }
        }
    }
    panic!("{text:?} is not on the screen");
}

#[test]
fn colours_carry_their_role() {
    let snapshot = sample::breached();
    let config = ScreenConfig { truecolor: true, ..ScreenConfig::default() };
    let buf = buffer(&snapshot, &after("", &snapshot, &config, 160, 50));
    assert_eq!(buf[find(&buf, "BREACHED")].bg, Color::Red);
    assert_eq!(buf[find(&buf, "−284")].fg, Color::Red);
    assert_eq!(buf[find(&buf, "+1,641")].fg, Color::Green);
    assert_eq!(buf[find(&buf, "−11,163*")].bg, Color::Rgb(178, 24, 43));
    assert_eq!(buf[find(&buf, "+2,004")].bg, Color::Rgb(28, 48, 74));
    // The focused panel is heavier, and its selected row stands out.
    let (x, y) = find(&buf, "186.20");
    assert_ne!(buf[(x, y)].bg, buf[(x, y + 1)].bg);
    assert_eq!(buf[find(&buf, "━━ 2 Risk")].symbol(), "━");
    assert_eq!(buf[find(&buf, "── 4 Positions")].symbol(), "─");
}

#[test]
fn without_colours_emphasis_is_an_attribute() {
    let snapshot = sample::breached();
    let config = ScreenConfig { no_color: true, truecolor: true, ..ScreenConfig::default() };
    for keys in ["", "3", "?", "4j⏎", ":fly me⏎", "F"] {
        let buf = buffer(&snapshot, &after(keys, &snapshot, &config, 160, 50));
        assert!(buf.content.iter().all(|c| c.fg == Color::Reset && c.bg == Color::Reset), "after {keys:?}");
    }
    let buf = buffer(&snapshot, &after("", &snapshot, &config, 160, 50));
    assert!(buf[find(&buf, "186.20")].modifier.contains(Modifier::REVERSED));
    assert!(buf[find(&buf, "−11,163*")].modifier.contains(Modifier::BOLD));
}

/// Words that carry digits, without the punctuation around them.
fn figures(text: &str) -> HashSet<String> {
    text.split_whitespace()
        .map(|w| w.trim_matches(['(', ')', ',', ';', ':', '.', '[', ']', '│', '…']).to_owned())
        .filter(|w| w.chars().any(|c| c.is_ascii_digit()))
        .collect()
}

const BOOKS: [fn() -> Snapshot; 4] = [sample::normal, sample::stale, sample::breached, sample::empty];

static WHOLE: LazyLock<[HashSet<String>; 4]> = LazyLock::new(|| BOOKS.map(|book| whole_figures(&book())));

/// Every figure of the sample in every form in which it is shown where there is room for everything.
fn whole_figures(snapshot: &Snapshot) -> HashSet<String> {
    let mut whole = figures(&snapshot.answer.short);
    for keys in ["1z", "2z", "3z", "4zl", "5z", ""] {
        whole.extend(figures(&render_text(
            snapshot,
            &after(keys, snapshot, &ScreenConfig::default(), 400, 90),
            400,
            90,
        )));
        for panel in 1..=5 {
            let ui = after(&format!("{panel}{keys}"), snapshot, &ScreenConfig::default(), 400, 24);
            whole.extend(figures(&render_text(snapshot, &ui, 400, 24)));
        }
    }
    whole
}

#[test]
fn a_zoomed_market_says_what_it_leaves_out() {
    let mut snapshot = sample::normal();
    let row = snapshot.market.regime[0].clone();
    snapshot.market.regime = vec![row; 20];
    let text = |height: u16| {
        render_text(&snapshot, &after("1z", &snapshot, &ScreenConfig::default(), 80, height), 80, height)
    };
    let names = |text: &str| text.lines().filter(|line| line.contains("+0.66")).count();
    assert_eq!((names(&text(50)), text(50).contains("more names")), (20, false));
    let small = text(24);
    let left_out = 20 - names(&small);
    assert!(left_out > 5 && small.contains(&format!("and {left_out} more names")), "{small}");
}

#[test]
fn a_zoomed_market_without_room_for_a_row_shows_no_head_either() {
    let snapshot = sample::normal();
    let text = render_text(&snapshot, &after("1z", &snapshot, &ScreenConfig::default(), 29, 12), 29, 12);
    assert!(text.contains("more names") && !text.contains("VRP"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn at_every_size_nothing_panics_and_no_figure_is_cut(
        width in 20u16..250, height in 5u16..80, focus in 1usize..=5, zoom: bool, book in 0usize..4,
    ) {
        let snapshot = BOOKS[book]();
        let keys = format!("{focus}{}", if zoom { "z" } else { "" });
        let ui = after(&keys, &snapshot, &ScreenConfig::default(), width, height);
        let text = render_text(&snapshot, &ui, width, height);
        prop_assert!(!text.contains("###"), "{text}");
        let whole = &WHOLE[book];
        for figure in figures(&text) {
            // Counts of what is in sight depend on the size.
            let counted = figure.contains('–')
                || text.contains(&format!(" of {figure} "))
                || text.contains(&format!("+{} more", figure.trim_start_matches('+')));
            prop_assert!(counted || whole.contains(&figure), "{figure:?} at {width}x{height}\n{text}");
        }
    }

    #[test]
    fn dialogs_fit_every_size(width in 20u16..250, height in 5u16..80, which in 0usize..8) {
        let snapshot = sample::normal();
        let keys = ["?", "j⏎", "4j⏎", "4j⏎⏎", "5⏎", "p", ":re", "4jnwords"][which];
        let ui = after(keys, &snapshot, &ScreenConfig::default(), width, height);
        let text = render_text(&snapshot, &ui, width, height);
        prop_assert_eq!(text.lines().count(), usize::from(height));
    }
}
