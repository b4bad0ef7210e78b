//! Foreign text becomes text of ours here, once.

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
}
