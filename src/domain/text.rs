//! Foreign text becomes text of ours here, once; and dollars in sentences.

use unicode_width::UnicodeWidthChar;

/// Removes everything that could move the cursor, reorder or hide text (control characters, escape
/// sequences, bidi and zero-width marks, private use) and cuts to `width` display columns.
pub fn clean(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len().min(width * 4));
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
