//! The cockpit as a trader meets it: the real binary on a terminal, over the simulated broker.

use super::terminal::{Home, Term};

mod days;
mod decisions;
mod exits;
mod faults;
mod figures;
mod kill;
mod links;
mod paper;
mod proxy;
mod record;
mod start;
mod venues;
mod ways_out;

const TITLES: [&str; 5] =
    ["1 Market", "2 Risk by underlying", "3 Scenario", "4 Positions", "5 Hedging blotter"];

/// A demo whose panels are filled and whose figures are live.
fn live_demo(home: &Home, columns: u16, rows: u16) -> Term {
    let term = Term::cockpit(home, columns, rows);
    // The streams do not wait for the first read: live comes before everything has its price.
    term.wait_for("● live")
        .wait_for("TOTAL")
        .wait_gone("refreshing")
        .wait_gone("computing")
        .wait_gone("unpriced");
    term
}

/// Row of each panel's title, in the order of the panels.
fn title_rows(text: &str) -> Vec<usize> {
    let row = |title: &&str| text.lines().position(|line| line.contains(&format!(" {title} ")));
    TITLES.iter().map(|title| row(title).unwrap_or_else(|| panic!("no {title:?} in\n{text}"))).collect()
}

/// Every trade of the picture, WhatIfs included.
fn trades(snapshot: &serde_json::Value) -> Vec<serde_json::Value> {
    let groups = snapshot["positions"]["groups"].as_array().expect("groups");
    groups.iter().flat_map(|group| group["trades"].as_array().expect("trades").clone()).collect()
}
