//! Takes account numbers and tokens out of text that came from outside, before it becomes a message.

/// `…0001`: enough to tell accounts apart, too little to be the number.
pub(super) fn masked_number(number: &str) -> String {
    let letters = number.chars().rev().filter(char::is_ascii_alphanumeric);
    let tail: Vec<char> = letters.take(4).collect();
    format!("…{}", tail.into_iter().rev().collect::<String>())
}

/// Foreign text for a message: cleaned, with whatever has the shape of a token or an account number
/// replaced. Cautious on purpose: an option symbol loses its digits, too.
pub(super) fn scrubbed(text: &str) -> String {
    let text = crate::domain::text::clean(&text.replace(['\n', '\r', '\t'], " "), 400);
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        push_word(&mut out, &word);
        word.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    crate::domain::text::clean(&out, 200)
}

fn push_word(out: &mut String, word: &str) {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    if word.len() >= 20 {
        out.push_str("***");
    } else if word.len() >= 7 && digits >= 4 {
        out.push_str(&masked_number(word));
    } else {
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_tokens_do_not_survive_but_words_and_dates_do() {
        let text =
            scrubbed("account 5WX00042 on 2026-11-20: Bearer eyJhbGciOiJSUzI1NiIsInR5cCI6.abc refused");
        assert_eq!(text, "account …0042 on 2026-11-20: Bearer ***.abc refused");
    }

    #[test]
    fn a_masked_number_shows_its_last_four() {
        assert_eq!(masked_number("5WX00042"), "…0042");
        assert_eq!(masked_number("42"), "…42");
        assert_eq!(masked_number("5WX\u{1b}[2J0042\0"), "…0042");
    }
}
