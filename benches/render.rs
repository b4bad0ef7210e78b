//! One frame of 200 × 60 cells, against clearing a buffer of that size in the same run. Target: at most 1 ms a
//! frame in release, whatever the machine says about the ratio.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use cotrader::tui::{ScreenConfig, UiState, sample, screen};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const WIDTH: u16 = 200;
const HEIGHT: u16 = 60;
const ROUNDS: usize = 15;

/// The median over rounds of the time that one call takes.
fn median(mut call: impl FnMut()) -> Duration {
    for _ in 0..20 {
        call();
    }
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..40 {
                call();
            }
            start.elapsed() / 40
        })
        .collect();
    rounds.sort();
    rounds[ROUNDS / 2]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let snapshot = sample::normal();
    let mut ui = UiState::new(&ScreenConfig::default())?;
    ui.size = (WIDTH, HEIGHT);
    ui.settle(&snapshot);
    let area = Rect::new(0, 0, WIDTH, HEIGHT);

    let mut blank = Buffer::empty(area);
    let clear = median(|| black_box(&mut blank).reset());
    let mut buf = Buffer::empty(area);
    let frame = median(|| {
        buf.reset();
        screen::render(black_box(&snapshot), black_box(&ui), area, &mut buf);
    });
    let settle = median(|| ui.settle(black_box(&snapshot)));

    // What reaches the terminal when the same picture is drawn again.
    let mut terminal = Terminal::new(TestBackend::new(WIDTH, HEIGHT))?;
    terminal.draw(|frame| cotrader::tui::draw(frame, &snapshot, &ui))?;
    let first = terminal.backend().buffer().clone();
    terminal.draw(|frame| cotrader::tui::draw(frame, &snapshot, &ui))?;
    let changed = first.diff(terminal.backend().buffer()).len();

    let mut out = io::stdout().lock();
    writeln!(out, "clear {WIDTH}x{HEIGHT}   {clear:?}  (baseline)")?;
    writeln!(out, "frame {WIDTH}x{HEIGHT}   {frame:?}  ({:.1} x clear)", ratio(frame, clear))?;
    writeln!(out, "follow selection  {settle:?}  ({:.1} x clear)", ratio(settle, clear))?;
    writeln!(out, "cells written for an unchanged picture: {changed}")?;
    let target = Duration::from_millis(1);
    let verdict = if frame <= target { "within" } else { "above" };
    writeln!(out, "one frame is {verdict} the target of {target:?}")?;
    Ok(())
}

fn ratio(this: Duration, to: Duration) -> f64 {
    this.as_secs_f64() / to.as_secs_f64().max(1e-12)
}
