//! Figures as text: signs, thousands, unknown and stale marks, and fitting text into a width.
//!
//! Never: shortens a figure. Text is cut between words; what carries digits stays whole or goes.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use unicode_width::UnicodeWidthStr;

use crate::domain::{Money, Price};
use crate::snapshot::{Shown, Standing};

/// What stands for a figure that nobody knows.
pub const UNKNOWN: &str = "—";
const MINUS: char = '−';

/// A figure as text, with what the colour depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    pub text: String,
    pub standing: Standing,
    /// −1, 0 or +1 as displayed: what rounds to zero has no sign.
    pub sign: i8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `+` and `−`: changes, P&L, Greeks.
    Always,
    /// Only `−`: prices, levels.
    Negative,
}

/// A number with thousands separators and fixed decimals; `—` where it is not finite.
pub fn number(value: f64, places: usize, sign: Sign) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    let digits = format!("{:.places$}", value.abs());
    let zero = digits.bytes().all(|b| matches!(b, b'0' | b'.'));
    let mut out = String::with_capacity(digits.len() + 4);
    if !zero && value < 0.0 {
        out.push(MINUS);
    } else if !zero && sign == Sign::Always {
        out.push('+');
    }
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out.push_str(rest);
    out
}

/// A change: `+1,234`, `−56`, `0`.
pub fn signed(value: impl Into<f64>) -> String {
    number(value.into(), 0, Sign::Always)
}

pub fn signed1(value: impl Into<f64>) -> String {
    number(value.into(), 1, Sign::Always)
}

pub fn signed2(value: impl Into<f64>) -> String {
    number(value.into(), 2, Sign::Always)
}

pub fn plain(value: impl Into<f64>) -> String {
    number(value.into(), 0, Sign::Negative)
}

pub fn plain1(value: impl Into<f64>) -> String {
    number(value.into(), 1, Sign::Negative)
}

pub fn plain2(value: impl Into<f64>) -> String {
    number(value.into(), 2, Sign::Negative)
}

/// Thousands and millions for strips: `251.2K`, `1.20M`; below a thousand the whole number.
pub fn kilo(value: impl Into<f64>) -> String {
    let value = value.into();
    match value.abs() {
        v if v >= 999_950.0 => format!("{}M", number(value / 1e6, 2, Sign::Negative)),
        v if v >= 999.5 => format!("{}K", number(value / 1e3, 1, Sign::Negative)),
        _ => plain(value),
    }
}

/// A fraction as whole percent, without the sign `%`.
pub fn percent(fraction: f64) -> String {
    number(fraction * 100.0, 0, Sign::Negative)
}

pub fn price(value: Price) -> String {
    plain2(value.to_cents().to_f64())
}

/// Lots or shares: as many decimals as they have, always with their direction.
pub fn quantity(value: Decimal) -> String {
    let value = value.normalize();
    let places = usize::try_from(value.scale()).unwrap_or(0).min(4);
    number(Money(value).to_f64(), places, Sign::Always)
}

/// The figure as it stands on the screen: `—` unknown, `~` before what is not live.
pub fn figure<T: Copy>(shown: &Shown<T>, words: impl Fn(T) -> String) -> Figure {
    let Some(value) = shown.value else {
        return Figure { text: UNKNOWN.to_owned(), standing: Standing::Unknown, sign: 0 };
    };
    let text = words(value);
    if text == UNKNOWN {
        return Figure { text, standing: Standing::Unknown, sign: 0 };
    }
    let sign = match text.chars().next() {
        Some('+') => 1,
        Some(MINUS) => -1,
        _ => 0,
    };
    let text = if shown.standing == Standing::Live { text } else { format!("~{text}") };
    Figure { text, standing: shown.standing, sign }
}

/// A figure with its unit; what nobody knows has none.
pub fn with_unit(text: &str, unit: &str) -> String {
    if text == UNKNOWN { text.to_owned() } else { format!("{text}{unit}") }
}

/// A level and its change; one dash where neither is known.
pub fn with_change(level: &str, change: &str) -> String {
    if level == UNKNOWN && change.starts_with(UNKNOWN) {
        level.to_owned()
    } else {
        format!("{level} {change}")
    }
}

/// Seconds as an age: `0.4 s`, `12 s`, `3 min`, `2 h`.
pub fn age(seconds: f64) -> String {
    match seconds.max(0.0) {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", (s / 60.0).floor()),
        s => format!("{:.0} h", (s / 3_600.0).floor()),
    }
}

/// The same where only whole seconds are known.
pub fn age_whole(seconds: f64) -> String {
    if seconds < 10.0 { format!("{:.0} s", seconds.max(0.0).floor()) } else { age(seconds) }
}

/// `5 h 12 m`, `12 m`, `2 d 3 h`.
pub fn duration(seconds: i64) -> String {
    let minutes = seconds.max(0) / 60;
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, m) => format!("{m} m"),
        (0, h, m) => format!("{h} h {m:02} m"),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

/// `Thu 26` within a week of `today`, `9 Dec` within a year, else with the year.
pub fn date(date: NaiveDate, today: NaiveDate) -> String {
    match (date - today).num_days() {
        0 => "today".to_owned(),
        1..=6 => format!("{} {}", date.format("%a"), date.day()),
        -300..=300 => format!("{} {}", date.day(), date.format("%b")),
        _ => format!("{} {}", date.day(), date.format("%b %Y")),
    }
}

pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Cuts text between words and marks the cut with `…`; a word is never split, so no figure is.
pub fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut kept = 0;
    let mut end = 0;
    for (at, word) in words(text) {
        let until = width(&text[..at]) + width(word);
        if until + 2 > limit {
            break;
        }
        kept = until;
        end = at + word.len();
    }
    if kept == 0 {
        return if limit == 0 { String::new() } else { "…".to_owned() };
    }
    // A unit or a sign alone at the end says nothing without what follows it.
    format!("{} …", text[..end].trim_end_matches([' ', ',', ';', '·', '→', '/', '…']))
}

/// Breaks text into lines of at most `limit` columns, between words; a longer word stands alone and is cut
/// by the writer.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for (_, word) in words(text) {
        if !line.is_empty() && width(&line) + 1 + width(word) > limit {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(' ').scan(0, |at, word| {
        let here = *at;
        *at += word.len() + 1;
        Some((here, word))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn figures_carry_sign_and_separators() {
        assert_eq!(signed(-11_163.4), "−11,163");
        assert_eq!(signed(1_234_567.0), "+1,234,567");
        assert_eq!(signed(-0.4), "0");
        assert_eq!(signed2(0.614), "+0.61");
        assert_eq!(plain2(681.42), "681.42");
        assert_eq!(number(f64::NAN, 2, Sign::Always), "—");
        assert_eq!(quantity(Decimal::new(-10, 1)), "−1");
        assert_eq!(quantity(Decimal::new(25, 1)), "+2.5");
    }

    #[test]
    fn strips_use_thousands() {
        assert_eq!(kilo(251_234.0), "251.2K");
        assert_eq!(kilo(-632.0), "−632");
        assert_eq!(kilo(999.7), "1.0K");
        assert_eq!(kilo(1_200_000.0), "1.20M");
    }

    #[test]
    fn unknown_is_a_dash_and_stale_has_a_mark() {
        assert_eq!(figure(&Shown::<f64>::unknown(), signed).text, "—");
        assert_eq!(figure(&Shown::stale(12.0), signed).text, "~+12");
        assert_eq!(figure(&Shown::live(f64::INFINITY), signed).text, "—");
        assert_eq!(figure(&Shown::live(-3.0), signed).sign, -1);
    }

    #[test]
    fn what_is_unknown_wears_no_unit() {
        assert_eq!(with_unit("93", " %"), "93 %");
        assert_eq!(with_unit(UNKNOWN, " %"), "—");
        assert_eq!(with_change("16.2", "−0.8"), "16.2 −0.8");
        assert_eq!(with_change("16.2", UNKNOWN), "16.2 —");
        assert_eq!(with_change(UNKNOWN, UNKNOWN), "—");
    }

    #[test]
    fn ages_and_durations_read_naturally() {
        assert_eq!(age(0.4), "0.4 s");
        assert_eq!(age(61.0), "61 s");
        assert_eq!(age(200.0), "3 min");
        assert_eq!(duration(18_720), "5 h 12 m");
        assert_eq!(duration(180), "3 m");
    }

    #[test]
    fn text_is_cut_between_words() {
        assert_eq!(cut("close at 11,163 now", 16), "close at …");
        assert_eq!(cut("close", 5), "close");
        assert_eq!(cut("unbreakable", 5), "…");
        assert_eq!(cut("close at … 11,163 now", 18), "close at …");
    }

    proptest! {
        #[test]
        fn a_cut_never_splits_a_word(text in "[a-z0-9,.%+−]{1,8}( [a-z0-9,.%+−]{1,8}){0,8}", limit in 0usize..40) {
            let short = cut(&text, limit);
            prop_assert!(width(&short) <= limit);
            let whole: Vec<&str> = text.split(' ').collect();
            for word in short.split(' ').filter(|w| !w.is_empty() && *w != "…") {
                let trimmed = whole.iter().any(|w| *w == word || w.trim_end_matches(',') == word);
                prop_assert!(trimmed, "{word:?} is not a word of {text:?}");
            }
        }

        #[test]
        fn thousands_are_separated_and_nothing_is_lost(value in -1e12f64..1e12, places in 0usize..4) {
            let text = number(value, places, Sign::Negative);
            let back: f64 = text.replace(',', "").replace('−', "-").parse().expect("a number");
            prop_assert!((back - value).abs() <= 0.51 * 10f64.powi(-i32::try_from(places).unwrap()));
        }
    }
}
