//! Foreign text becomes text of ours here, once; and dollars in sentences.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// Removes everything that could move the cursor, reorder or hide text (control characters, escape
/// sequences, bidi and zero-width marks, private use) and cuts to `width` display columns.
pub fn clean(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len().min(width.saturating_mul(4)));
    let mut used = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            skip_escape(&mut chars);
            continue;
        }
        let shown = if is_hostile(c) { '·' } else { c };
        let columns = shown.width().unwrap_or(0);
        if columns == 0 {
            continue;
        }
        if used + columns > width {
            break;
        }
        used += columns;
        out.push(shown);
    }
    out
}

/// Cleans several lines of a rationale or note: line breaks become spaces, nothing else is lost.
pub fn clean_note(text: &str) -> String {
    let joined: String =
        text.chars().map(|c| if matches!(c, '\n' | '\t' | '\r') { ' ' } else { c }).collect();
    clean(joined.trim(), 4_000)
}

fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            for c in chars.by_ref() {
                if ('\u{40}'..='\u{7e}').contains(&c) {
                    break;
                }
            }
        }
        Some(']' | 'P' | '_' | '^') => {
            for c in chars.by_ref() {
                if c == '\u{7}' || c == '\u{9c}' || c == '\\' {
                    break;
                }
            }
        }
        Some(_) => {
            chars.next();
        }
        None => {}
    }
}

/// Text on its last way out: lines and tabs stay, what could move the cursor, reorder or hide becomes a dot.
pub fn shown(text: &str) -> Cow<'_, str> {
    let is_foul = |c: char| is_hostile(c) && !matches!(c, '\n' | '\t');
    if text.chars().any(is_foul) {
        Cow::Owned(text.chars().map(|c| if is_foul(c) { '·' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A JSON text whose strings hold nothing that a terminal acts on: the same document on one line, with escapes. JSON itself
/// escapes only what lies below the space.
pub fn escaped(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_hostile) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if matches!(c, '\n' | '\r' | '\t') {
            // Raw in JSON they stand between values only.
            out.push(' ');
        } else if is_hostile(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e007f}'
            | '\u{f0000}'..='\u{10ffff}')
}

/// Whole dollars with separators, without a sign.
pub fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// With its sign: typographic minus, plus, and separators in the whole part.
pub fn signed(value: f64, decimals: usize) -> String {
    let size = value.abs();
    let text = if decimals == 0 { thousands(size) } else { format!("{size:.decimals$}") };
    let zero = text.chars().all(|c| !c.is_ascii_digit() || c == '0');
    match (zero, value < 0.0) {
        (true, _) => text,
        (_, true) => format!("−{text}"),
        (_, false) => format!("+{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_bidi_marks_do_not_survive() {
        assert_eq!(clean("a\u{1b}[31mred\u{1b}[0m", 20), "ared");
        assert_eq!(clean("x\u{1b}]0;title\u{7}y", 20), "xy");
        assert_eq!(clean("ab\u{202e}cd\u{7}", 20), "ab·cd·");
    }

    #[test]
    fn text_is_cut_by_display_width_not_by_bytes() {
        assert_eq!(clean("日本語", 4), "日本");
        assert_eq!(clean("Θ/day", 3), "Θ/d");
    }

    #[test]
    fn json_says_the_same_with_nothing_raw_in_it() {
        let foul = "a\u{9b}31m\u{202e}\u{e0041}\u{7f}\u{85}日本 \u{1b}[2J";
        let json = serde_json::to_string(&[foul]).expect("json");
        let told = escaped(&json);
        assert_eq!(told, clean(&told, 1_000), "nothing raw");
        let back: Vec<String> = serde_json::from_str(&told).expect("json");
        assert_eq!(back, [foul]);
        assert!(matches!(escaped("{\"a\":1}"), Cow::Borrowed(_)));
        assert_eq!(escaped("{\"a\":\r\n1}"), "{\"a\":  1}", "one line");
        assert_eq!(shown("a\tb\n\u{1b}[2J\u{202e}"), "a\tb\n·[2J·");
    }

    #[test]
    fn notes_keep_their_words_across_lines() {
        assert_eq!(clean_note("  income,\nIVR 23\t"), "income, IVR 23");
    }

    #[test]
    fn figures_in_sentences_carry_sign_and_separators() {
        assert_eq!(signed(-11_163.4, 0), "−11,163");
        assert_eq!(signed(0.04, 1), "0.0");
        assert_eq!(signed(44.0, 0), "+44");
        assert_eq!(thousands(1_234_567.0), "1,234,567");
        assert_eq!(thousands(999.0), "999");
    }
}
