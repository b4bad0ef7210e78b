//! The header line: mode, view, clock, link, what counts; breaches, near limits and things to do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Scene, span};
use crate::domain::report::SessionState;
use crate::snapshot::header::LinkKind;
use crate::tui::format;
use crate::tui::paint::{Part, fit, justified, put_line};

pub fn draw(scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
    put_line(buf, area, 0, &line(scene, area.width));
}

/// Built from text alone, so that the run loop can ask whether a second changed anything in it.
pub fn line(scene: Scene<'_>, width: u16) -> Line<'static> {
    let (theme, snapshot) = (scene.theme(), scene.snapshot);
    let header = &snapshot.header;
    let wide = width >= 120;
    let blank = if wide { " " } else { "" };
    let badge = Part::text(0, format!("{blank}{}{blank}", snapshot.mode.badge()), theme.badge(snapshot.mode));
    let link = link(scene);
    let kill = kill(scene);
    // A link that is down and a raised switch are the first things to know: nothing on either side pushes their
    // signs out.
    let up = header.safety.kill.map_or(0, |_| kill.least() + 3);
    let reserved = badge.least() + link.least() + up + 4;
    let mut left = vec![
        Part::text(9, "cotrader", theme.title),
        badge,
        Part::text(3, format!("{} ▾", header.scope), theme.strong),
        // Where there is room for more than the hour, the date gives way to why a link is down.
        if width >= 100 { clock(scene).kept() } else { clock(scene) },
        link,
    ];
    left.push(kill);
    if header.unknown > 0 {
        let many = header.unknown;
        left.push(Part::text(0, format!("UNKNOWN {many}"), theme.breach));
    }
    if !header.safety.alarms.is_empty() {
        let many = header.safety.alarms.len();
        left.push(Part::text(1, format!("ALARM {many}"), theme.breach));
    }
    if header.link.kind == LinkKind::Live && !header.link.account_stream_up {
        left.push(Part::text(4, "no account stream", theme.near));
    }
    if let Some(why) = header.link.why.as_ref().filter(|_| width >= 100) {
        let why = scene.prose(why);
        let cut = |limit| format!("why: {}", format::cut(&why, limit));
        left.push(
            Part::text(5, format!("why: {why}"), theme.text)
                .or_text(cut(80), theme.text)
                .or_text(cut(60), theme.text)
                .or_text(cut(40), theme.text)
                .or_text(cut(20), theme.text),
        );
    }
    if header.refreshing {
        left.push(Part::text(7, "refreshing", theme.accent));
    }
    if header.computing {
        left.push(Part::text(8, "computing", theme.dim));
    }
    if header.working > 0 {
        let state = if header.working_counted { "IN" } else { "OUT" };
        left.push(Part::text(2, format!("working: {} {state}", header.working), theme.what_if));
    }
    if header.what_ifs > 0 {
        let state = if header.what_ifs_counted { "IN" } else { "OUT" };
        left.push(Part::text(2, format!("WhatIf: {} {state}", header.what_ifs), theme.what_if));
    }
    if header.read_only.is_some() {
        left.push(Part::text(1, "READ-ONLY", theme.near));
    }
    let count = |words: &str, short: &str, n: Option<usize>, alarm| {
        let style = if n == Some(0) { theme.dim } else { alarm };
        let n = n.map_or_else(|| "—".to_owned(), |n| n.to_string());
        Part::text(1, format!("{words} {n}"), style).or_text(format!("{short} {n}"), style)
    };
    let known = |n: usize| header.limits_known.then_some(n);
    let right = [
        count("breach", "br", known(header.breaches), theme.breach),
        count("near", "nr", known(header.near), theme.near),
        count("to do", "do", Some(header.to_do), theme.strong),
    ];
    let gap = Span::raw(if wide { "   " } else { "  " });
    let width = usize::from(width);
    let right = [Part::new(0, fit(&right, &gap, width.saturating_sub(reserved)))];
    justified(&left, &right, &gap, (' ', theme.text), width)
}

/// Off is a quiet word that may give way; up is a badge that stays.
fn kill(scene: Scene<'_>) -> Part {
    let theme = scene.theme();
    match scene.snapshot.header.safety.kill {
        None => Part::text(8, "kill off", theme.dim),
        Some(mode) => {
            let word = mode.word().to_uppercase();
            Part::text(0, format!(" KILL {word} "), theme.alarm())
                .or_text(format!("KILL {word}"), theme.alarm())
                .or_text("KILL", theme.alarm())
                .kept()
        }
    }
}

fn clock(scene: Scene<'_>) -> Part {
    let theme = scene.theme();
    let header = &scene.snapshot.header;
    let elapsed = scene.ui.since_snapshot();
    let moved = chrono::TimeDelta::from_std(elapsed).unwrap_or_default();
    let time = header.exchange_time.checked_add_signed(moved).unwrap_or(header.exchange_time);
    let seconds = i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX);
    let left = header.seconds_left.map(|s| format::duration(s.saturating_sub(seconds)));
    let half = if header.early_close { ", half day" } else { "" };
    let session = match (header.session, left) {
        (SessionState::Open, Some(left)) => format!("open {left}{half}"),
        (SessionState::Open, None) => format!("open{half}"),
        (SessionState::PreMarket, Some(left)) => format!("pre-market, opens in {left}{half}"),
        (SessionState::PreMarket, None) => "pre-market".to_owned(),
        (SessionState::AfterHours, _) => "after hours".to_owned(),
        (SessionState::Closed, Some(left)) => format!("closed, opens in {left}"),
        (SessionState::Closed, None) => "closed".to_owned(),
        (SessionState::Unknown, _) => "session unknown".to_owned(),
    };
    let full = time.format("%a %-d %b %H:%M ET");
    Part::text(6, format!("{full}, {session}"), theme.text)
        .or_text(time.format("%a %H:%M ET").to_string(), theme.text)
        .or_text(time.format("%H:%M").to_string(), theme.text)
}

fn link(scene: Scene<'_>) -> Part {
    let theme = scene.theme();
    let link = &scene.snapshot.header.link;
    let (dot, word, style) = match link.kind {
        // A picture that stands still is not live, whatever its link was or has become since.
        LinkKind::Live if scene.ui.is_frozen() => ("○", "frozen", theme.near),
        LinkKind::Live => ("●", "live", theme.good),
        LinkKind::Snapshot => ("○", "snapshot", theme.text),
        LinkKind::Connecting => ("○", "connecting", theme.near),
        LinkKind::Quiet => ("●", "QUIET", theme.breach),
        LinkKind::Down => ("●", "DOWN", theme.breach),
        LinkKind::Refused => ("●", "REFUSED", theme.breach),
    };
    let age = link.age_seconds.map(|s| format::age(s + scene.ui.since_snapshot().as_secs_f64()));
    let age = age.map_or_else(String::new, |age| format!(" {age}"));
    Part::new(4, vec![span(format!("{dot} {word}"), style), span(age, theme.text)])
        .or_text(format!("{dot} {word}"), style)
        .kept()
}
