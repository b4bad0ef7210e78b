//! The answer in the width there is: what gives way first is the break-even, then all but the first of the
//! named limits; delta, theta and the worst cell stay.

use crate::tui::format::{cut, width};

/// Head and sentence, the longest forms that fit beside each other with `gap` blanks between.
pub fn fitting(headline: &str, sentence: &str, short: &str, gap: usize, limit: usize) -> (String, String) {
    let heads = heads(headline);
    let brief = without_break_even(short);
    let bare = without_share(&brief);
    let terse = without_benchmark(&bare);
    let worst = worst_alone(&bare);
    let mut pairs: Vec<(&str, &str)> = vec![(headline, sentence), (headline, short), (headline, &brief)];
    pairs.extend(heads.named.iter().map(|head| (head.as_str(), brief.as_str())));
    for head in heads.named.last().into_iter().chain([&heads.bare, &heads.word]) {
        pairs.extend([(head.as_str(), brief.as_str()), (head, &bare), (head, &terse)]);
    }
    pairs.extend([(heads.bare.as_str(), worst), (&heads.word, worst)]);
    let found = pairs.into_iter().find(|(head, tail)| {
        let beside = if tail.is_empty() { 0 } else { gap + width(tail) };
        width(head) + 1 + beside <= limit
    });
    match found {
        Some((head, tail)) => (format!("{head}."), tail.to_owned()),
        None => (cut(&format!("{}.", heads.bare), limit), String::new()),
    }
}

struct Heads {
    /// The limits by name: all but the last, … the first, the first without what drives it.
    named: Vec<String>,
    /// "BREACHED", "WITHIN LIMITS"
    bare: String,
    /// "BREACHED", "WITHIN"
    word: String,
}

fn heads(headline: &str) -> Heads {
    let bare = headline.split([':', ',', '(']).next().unwrap_or(headline).trim().to_owned();
    let word = bare.split(' ').next().unwrap_or(&bare).to_owned();
    let mut named = Vec::new();
    if let Some((state, list)) = headline.split_once(": ") {
        let items = items(list);
        let more = |shown: usize| match items.len() - shown {
            0 => String::new(),
            n => format!(", +{n} more"),
        };
        for shown in (1..items.len()).rev() {
            named.push(format!("{state}: {}{}", items[..shown].join(", "), more(shown)));
        }
        if let Some(first) = items.first() {
            // "beta delta 112 % (Core, NVDA most)": first without the underlying, then without the portfolio.
            if let Some((kept, _)) = first.rsplit_once(", ") {
                named.push(format!("{state}: {kept}){}", more(1)));
            }
            if let Some((kept, _)) = first.split_once(" (") {
                named.push(format!("{state}: {kept}{}", more(1)));
            }
        }
    }
    Heads { named, bare, word }
}

/// Splits at the commas outside parentheses.
fn items(list: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let parts = list.split(move |c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    // Utilisations are whole percent without thousands separators, so each such comma separates.
    parts.map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// "Long 77 SPY Δ, +$44/day, breaks even ±0.86 %; worst −11,163 4.4 %" without its third part.
fn without_break_even(short: &str) -> String {
    let Some(from) = short.find(", breaks even") else { return short.to_owned() };
    let rest = &short[from..];
    let until = rest.find(';').unwrap_or(rest.len());
    format!("{}{}", &short[..from], &rest[until..])
}

/// The worst cell without its share of net liq.
fn without_share(short: &str) -> String {
    let Some((before, worst)) = short.split_once("; worst ") else { return short.to_owned() };
    let pnl = worst.split(' ').next().unwrap_or(worst);
    format!("{before}; worst {pnl}")
}

/// "Long 77 Δ": whose delta it is, is said in the heads of panel 2.
fn without_benchmark(short: &str) -> String {
    let mut words: Vec<&str> = short.split(' ').collect();
    if words.get(3).is_some_and(|word| word.starts_with('Δ')) {
        words.remove(2);
    }
    words.join(" ")
}

fn worst_alone(short: &str) -> &str {
    short.split_once("; ").map_or("", |(_, worst)| worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "Long 77 SPY Δ, +$44 a day, breaks even ±0.86 % a day; worst cell −11,163 (4.4 %)";
    const SHORT: &str = "Long 77 SPY Δ, +$44/day, breaks even ±0.86 %; worst −11,163 (4.4 %)";
    const BREACHED: &str =
        "BREACHED: beta delta 112 % (Core, NVDA most), vega 131 % (Core, SPY most), VaR95 104 % (High)";

    fn line(headline: &str, limit: usize) -> String {
        let (head, tail) = fitting(headline, LONG, SHORT, 1, limit);
        let line = format!("{head} {tail}");
        assert!(width(line.trim_end()) <= limit, "{line:?} in {limit}");
        line.trim_end().to_owned()
    }

    #[test]
    fn the_worst_cell_outlives_the_break_even_and_the_list() {
        assert_eq!(line(BREACHED, 200), format!("{BREACHED}. {LONG}"));
        assert_eq!(
            line(BREACHED, 150),
            format!("{BREACHED}. Long 77 SPY Δ, +$44/day; worst −11,163 (4.4 %)")
        );
        assert_eq!(
            line(BREACHED, 110),
            "BREACHED: beta delta 112 % (Core, NVDA most), +2 more. Long 77 SPY Δ, +$44/day; worst −11,163 (4.4 %)"
        );
        assert_eq!(
            line(BREACHED, 80),
            "BREACHED: beta delta 112 %, +2 more. Long 77 SPY Δ, +$44/day; worst −11,163"
        );
        assert_eq!(line(BREACHED, 50), "BREACHED. Long 77 SPY Δ, +$44/day; worst −11,163");
        assert_eq!(line(BREACHED, 30), "BREACHED. worst −11,163");
        assert_eq!(line("WITHIN LIMITS", 50), "WITHIN LIMITS. Long 77 Δ, +$44/day; worst −11,163");
        assert_eq!(
            line("UNKNOWN (1 leg unpriced)", 60),
            "UNKNOWN. Long 77 SPY Δ, +$44/day; worst −11,163 (4.4 %)"
        );
    }

    #[test]
    fn no_width_cuts_twice_or_drops_the_worst_cell_while_it_fits() {
        for limit in 20..160 {
            for headline in
                [BREACHED, "WITHIN LIMITS, 3 trades in no portfolio", "UNKNOWN (quotes are stale)"]
            {
                let line = line(headline, limit);
                assert!(!line.contains('…') || limit < 24, "{line:?} in {limit}");
                assert!(line.contains("worst") || limit < 26, "{line:?} in {limit}");
            }
        }
    }
}
