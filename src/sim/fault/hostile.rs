//! Text at its worst, in any field that a client reads.

use serde_json::Value;

use super::super::world::noise::Noise;

/// Beyond what a client may take for a text; below what it may take for an answer.
const HUGE: usize = 10 * 1024 * 1024;
/// Deeper than any reader should follow.
const DEPTH: usize = 50_000;

/// A message with each of its texts spoilt at the rate, and now and then one as a whole.
pub fn spoilt(text: &str, rate: f64, huge: usize, noise: Noise) -> Vec<u8> {
    let whole = noise.named("whole").uniform();
    if whole < rate / 20.0 {
        return [b"{\"data\":".as_slice(), &b"[".repeat(DEPTH)].concat();
    }
    let Ok(mut message) = serde_json::from_str::<Value>(text) else { return text.as_bytes().to_vec() };
    let mut places = 0;
    walk(&mut message, rate, noise.named("text"), &mut places);
    if whole > 1.0 - rate / 20.0 {
        let place = (noise.named("huge").uniform() * places as f64) as u64;
        enlarge(&mut message, place, huge, &mut 0);
    }
    let mut bytes = message.to_string().into_bytes();
    if whole > 0.5 && whole < 0.5 + rate / 20.0 {
        // Neither UTF-8 nor anything else.
        let middle = bytes.len() / 2;
        bytes.splice(middle..middle, [0xff, 0xc0, 0x80]);
    }
    bytes
}

/// How much of a text can be huge in an answer, and in a frame.
pub const HUGE_ANSWER: usize = HUGE;
pub const HUGE_FRAME: usize = HUGE / 8;

fn walk(value: &mut Value, rate: f64, noise: Noise, places: &mut u64) {
    match value {
        Value::String(text) => {
            *places += 1;
            let draw = noise.of(*places);
            if draw.uniform() < rate {
                *text = spell(text, draw.of(1).uniform());
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|one| walk(one, rate, noise, places)),
        Value::Object(object) => object.values_mut().for_each(|one| walk(one, rate, noise, places)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn enlarge(value: &mut Value, place: u64, size: usize, at: &mut u64) {
    match value {
        Value::String(text) => {
            if *at == place {
                *text = "A\u{1b}".repeat(size / 2);
            }
            *at += 1;
        }
        Value::Array(list) => list.iter_mut().for_each(|one| enlarge(one, place, size, at)),
        Value::Object(object) => object.values_mut().for_each(|one| enlarge(one, place, size, at)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn spell(text: &str, which: f64) -> String {
    const KINDS: usize = 8;
    match (which * KINDS as f64) as usize {
        // Clears the screen, names the window, asks the terminal what it is.
        0 => format!("\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[c{text}"),
        1 => format!("{text}\u{1b}]52;c;cm0gLXJm\u{1b}\\\u{9b}31m"),
        // Reads backwards.
        2 => format!("\u{202e}{text}\u{2066}\u{200b}\u{feff}"),
        3 => format!("{text}\0\0"),
        4 => format!("{text}\r\nOK\u{8}\u{8}\u{7f}\u{85}"),
        5 => "\u{e0041}\u{f8ff}\u{10fffd}".to_owned(),
        6 => "=cmd|'/c calc'!A1".to_owned(),
        _ => "e\u{301}".repeat(2_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_spoilt_and_the_shape_stays_now_and_then_not_even_that() {
        let plain = r#"{"data":{"items":[{"symbol":"SPY","bid":"1.5","n":7}]},"context":"/x"}"#;
        let (mut shaped, mut broken, mut large) = (0, 0, 0);
        for n in 0..400 {
            let bytes = spoilt(plain, 1.0, HUGE_FRAME, Noise::new(n));
            match serde_json::from_slice::<Value>(&bytes) {
                Ok(value) => {
                    assert_eq!(value["data"]["items"][0]["n"], 7);
                    shaped += 1;
                    large += usize::from(bytes.len() > HUGE_FRAME);
                }
                Err(_) => broken += 1,
            }
        }
        assert!(shaped > 300 && broken > 10 && large > 5, "{shaped} {broken} {large}");
        assert_eq!(spoilt(plain, 0.0, HUGE_FRAME, Noise::new(1)).len(), plain.len());
    }
}
