//! The digits on the screen are those of `snapshot --json`, formatted here by rules of our own writing.

use serde_json::Value;

use super::super::terminal::{Home, eventually};
use super::{live_demo, trades};

/// `+1,234.5`: thousands, a real minus, no sign on what rounds to nothing.
fn written(value: f64, places: usize, plus: bool) -> String {
    let digits = format!("{:.places$}", value.abs());
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().rev().enumerate() {
        if at > 0 && at % 3 == 0 {
            grouped.insert(0, ',');
        }
        grouped.insert(0, digit);
    }
    let nothing = digits.chars().all(|c| c == '0' || c == '.');
    let sign = match (nothing, value < 0.0, plus) {
        (true, _, _) | (false, false, false) => "",
        (false, true, _) => "−",
        (false, false, true) => "+",
    };
    format!("{sign}{grouped}{rest}")
}

/// Money comes as a decimal text, analytics as a number.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn shown(figure: &Value, words: impl Fn(f64) -> String) -> String {
    match (number(&figure["value"]), figure["standing"].as_str()) {
        (Some(value), Some("live")) => words(value),
        (Some(value), Some("stale")) => format!("~{}", words(value)),
        _ => "—".to_owned(),
    }
}

fn kilo(value: f64) -> String {
    if value.abs() >= 999.5 {
        format!("{}K", written(value / 1e3, 1, false))
    } else {
        written(value, 0, false)
    }
}

fn change(figure: &Value) -> String {
    shown(figure, |v| written(v, 0, true))
}

fn plain(figure: &Value) -> String {
    shown(figure, |v| written(v, 0, false))
}

/// What must be found on the screen: the beginning of a line, and the words that stand in it, in order.
fn expected(snapshot: &Value) -> Vec<(String, Vec<String>)> {
    let mut lines = Vec::new();
    let total = &snapshot["underlyings"]["total"];
    let sums = |of: &Value| {
        vec![
            change(&of["dollar_delta"]),
            change(&of["beta_delta"]),
            change(&of["gamma_pnl_1pct"]),
            shown(&of["theta_day"], |v| written(v, 1, true)),
            change(&of["vega_point"]),
            change(&of["day"]),
            change(&of["open"]),
            change(&of["worst"]),
            plain(&of["var95"]),
        ]
    };
    lines.push(("TOTAL".to_owned(), sums(total)));
    for row in snapshot["underlyings"]["rows"].as_array().expect("rows").iter().take(4) {
        let mut words = vec![
            shown(&row["last"], |v| written(v, 2, false)),
            shown(&row["change_percent"], |v| written(v, 2, true)),
            shown(&row["iv30"], |v| written(v, 1, false)),
            plain(&row["iv_rank"]),
            shown(&row["beta"], |v| written(v, 2, false)),
            change(&row["delta_shares"]),
        ];
        words.extend(sums(row));
        lines.push((format!("{} ", row["symbol"].as_str().expect("a symbol")), words));
    }
    let regime = &snapshot["market"]["regime"][0];
    lines.push((
        format!(
            "{} {} ",
            regime["symbol"].as_str().expect("a symbol"),
            regime["trend"]["value"].as_str().unwrap_or("—")
        ),
        vec![
            plain(&regime["rsi14"]),
            plain(&regime["adx14"]),
            shown(&regime["macd_histogram"], |v| written(v, 2, true)),
            shown(&regime["rv20"], |v| written(v, 1, false)),
            shown(&regime["vol_premium"], |v| written(v, 1, true)),
        ],
    ));
    let scenario = &snapshot["scenario"];
    let levels = scenario["vol_points"].as_array().expect("levels");
    for (at, cells) in scenario["cells"].as_array().expect("cells").iter().enumerate() {
        let points = levels[at].as_f64().expect("points");
        let label =
            if points == 0.0 { "now ".to_owned() } else { format!("{} pt", written(points, 0, true)) };
        let worst = |column: usize| scenario["worst"]["row"] == at && scenario["worst"]["column"] == column;
        let cells = cells.as_array().expect("cells").iter().enumerate();
        let words = cells.map(|(c, cell)| format!("{}{}", change(cell), if worst(c) { "*" } else { "" }));
        lines.push((label, words.collect()));
    }
    let account = &snapshot["account"];
    let mut strip = vec![shown(&account["net_liq"], kilo)];
    strip.extend([plain(&account["var95"]), plain(&account["es975"])]);
    strip.push(shown(&account["buying_power_used"], |v| written(v * 100.0, 0, false)));
    strip.extend([change(&account["day"]), change(&account["open"])]);
    lines.push(("net liq ".to_owned(), strip));
    let answer = &snapshot["answer"];
    let said = ["headline", "sentence"].map(|key| answer[key].as_str().expect("words").to_owned());
    lines.push((said[0].clone(), said[1].split(' ').map(str::to_owned).collect()));
    lines
}

/// The first thing that the screen does not say.
fn missing(screen: &str, snapshot: &Value) -> Option<String> {
    let holds = |line: &str, words: &[String]| {
        let mut rest = line.split([' ', '(', ')']).filter(|word| !word.is_empty());
        words.iter().all(|word| {
            let bare = word.trim_matches(['(', ')']);
            rest.any(|found| found == bare)
        })
    };
    let lost = expected(snapshot).into_iter().find(|(start, words)| {
        !screen.lines().any(|line| line.starts_with(start.as_str()) && holds(line, words))
    });
    lost.map(|(start, words)| format!("{start:?} with {words:?}"))
}

#[test]
fn every_figure_of_the_screen_is_that_of_the_json() {
    let home = Home::new();
    let term = live_demo(&home, 160, 50);
    // Without the stream both are of one picture until something is asked for.
    term.keys("S").wait_for("○ snapshot").wait_gone("computing");
    let mut lost = None;
    let mut words = Vec::new();
    let agreed = eventually_within(|| {
        let before = home.snapshot();
        let screen = term.text();
        let after = home.snapshot();
        if before["revision"] != after["revision"] {
            return false;
        }
        lost = missing(&screen, &before);
        // What is compared is a picture, not a row of dashes: bars and ranks may come after the prices.
        words = expected(&before).into_iter().flat_map(|(_, words)| words).collect();
        lost.is_none() && words.len() > 110 && !words.iter().any(|word| word == "—")
    });
    assert!(agreed, "the screen lacks {lost:?} or figures are missing: {words:?}\n{}", term.text());
    term.keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
}

/// Tries often enough for every picture that ageing still changes.
fn eventually_within(mut agree: impl FnMut() -> bool) -> bool {
    (0..60).any(|_| agree())
}

#[test]
fn the_brokers_greeks_stand_beside_ours_and_no_leg_differs() {
    let home = Home::new();
    let term = live_demo(&home, 160, 50);
    // Units are told once enough of the broker's figures have come.
    let picture = eventually("both models", || {
        let picture = home.snapshot();
        let models = &picture["positions"]["models"];
        (models["theta_unit"] == "per day" && models["vega_unit"] == "per point").then_some(picture)
    });
    let models = &picture["positions"]["models"];
    assert!(models["compared"].as_u64().is_some_and(|legs| legs > 10), "{models}");
    assert_eq!(models["differ"], 0, "{models}");
    let legs: Vec<Value> = trades(&picture)
        .iter()
        .flat_map(|trade| trade["legs"].as_array().cloned().unwrap_or_default())
        .filter(|leg| leg["models"]["state"] == "agree")
        .collect();
    let figure = |leg: &Value, model: &str, name: &str| leg["models"][model][name].as_f64();
    for leg in &legs {
        for name in ["delta", "theta_day", "vega_point", "iv_percent"] {
            let of = |model| figure(leg, model, name).unwrap_or_else(|| panic!("no {name} in {leg}"));
            let gap = of("broker") - of("own");
            assert!((gap - of("difference")).abs() < 1e-12, "{leg}");
        }
    }
    assert!(!legs.is_empty());
    term.keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
}
