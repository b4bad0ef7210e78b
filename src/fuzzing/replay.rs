//! Every target on every machine: the kept inputs as they are, bytes made of them, and bytes made of nothing. The same
//! ones every time.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use super::{Body, TARGETS};
use crate::numerics::philox::Philox;

/// Inputs made up per target.
const MADE: usize = 600;
/// A solution of an American option takes as long as a thousand short texts.
const MADE_SLOWLY: usize = 150;

/// What texts of all formats are made of, and where their readers have corners.
const WORDS: [&[u8]; 44] = [
    b"\n",
    b"\r\n",
    b",",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b" -- ",
    b"null",
    b"true",
    b"\"\"",
    b"0",
    b"-1",
    b"-0",
    b"NaN",
    b"inf",
    b"1e308",
    b"1e-320",
    b"9e999",
    b"79228162514264337593543950335",
    b"1e28",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"0.0000000000000000000000000001",
    b"+262142-12-31",
    b"-0001-01-01",
    b"1969-12-31",
    b"2026-11-20",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xc3",
    "é".as_bytes(),
    "\u{202e}".as_bytes(),
    b"\x1b[2J",
    b"\0",
    b"\t",
    b"#",
    b"&a",
    b"*a",
    b"|",
    b"99999999999999999999999999999999",
];

struct Chance {
    source: Philox,
    place: u64,
}

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.place += 1;
        let [first, ..] = self.source.block(0, self.place);
        first as usize % end.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("below 256")
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(300)).map(|_| self.byte()).collect()
    }

    /// Somewhere in the text, a short stretch.
    fn stretch(&mut self, text: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(text.len() + 1);
        start..(start + self.below(24)).min(text.len())
    }

    /// A few changes such as a hand, a broken disk or another program makes.
    fn changed(&mut self, kept: &[Vec<u8>]) -> Vec<u8> {
        let mut text = kept[self.below(kept.len())].clone();
        for _ in 0..1 + self.below(5) {
            let here = self.stretch(&text);
            match self.below(8) {
                0 => drop(text.splice(here, [])),
                1 => text.truncate(here.start),
                2 => {
                    let again = text[here.clone()].to_vec();
                    text.splice(here.end..here.end, again);
                }
                3 => {
                    let other = &kept[self.below(kept.len())];
                    let theirs = self.stretch(other);
                    text.splice(here, other[theirs].iter().copied());
                }
                4 => {
                    let byte = self.byte();
                    text.splice(here.start..here.start, [byte]);
                }
                5 | 6 => {
                    let word = WORDS[self.below(WORDS.len())];
                    text.splice(here.start..here.start, word.iter().copied());
                }
                _ => {
                    // A number in place of a number.
                    let digits = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
                    if let Some(start) = text.iter().skip(here.start).position(digits) {
                        let start = start + here.start;
                        let length = text[start..].iter().take_while(|byte| digits(byte)).count();
                        let word = WORDS[14 + self.below(17)];
                        text.splice(start..start + length, word.iter().copied());
                    }
                }
            }
        }
        text
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// What lies in `fuzz/inputs`: good examples, and whatever once broke a promise.
fn kept(target: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder().join("inputs").join(target))
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a readable input")).collect()
}

#[track_caller]
fn holds(target: &str, body: Body, input: &[u8]) {
    if catch_unwind(|| body(input)).is_err() {
        panic!("{target} breaks a promise on {:?}, which is {input:?}", String::from_utf8_lossy(input));
    }
}

fn replay(target: &str) {
    let body = TARGETS.iter().find(|(name, _)| *name == target).expect("a known target").1;
    let kept = kept(target);
    assert!(!kept.is_empty(), "fuzz/inputs/{target} has no example");
    kept.iter().for_each(|input| holds(target, body, input));
    let mut chance = Chance { source: Philox::new(20_261_121), place: 0 };
    let slow = ["american", "price_batch", "european"].contains(&target);
    for _ in 0..if slow { MADE_SLOWLY } else { MADE } {
        holds(target, body, &chance.bytes());
        holds(target, body, &chance.changed(&kept));
    }
}

macro_rules! replayed {
    ($($target:ident)+) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })+

        #[test]
        fn no_target_is_forgotten() {
            let replayed = [$(stringify!($target)),+];
            let described = |name: &str| std::fs::read_to_string(folder().join(name)).expect("a file of fuzz/");
            let (manifest, readme) = (described("Cargo.toml"), described("README.md"));
            for (target, _) in TARGETS {
                assert!(replayed.contains(&target), "{target} is not replayed");
                assert!(manifest.contains(&format!("name = \"{target}\"")), "{target} is not in fuzz/Cargo.toml");
                assert!(readme.contains(&format!("| `{target}` |")), "{target} is not in fuzz/README.md");
                let call = format!("cotrader::fuzzing::{target}");
                assert!(described(&format!("targets/{target}.rs")).contains(&call), "{target} runs another one");
            }
        }
    };
}

replayed! {
    american book_file chain_file command_line config dxlink european history_file implied_vol iv_batch payoff
    price_batch rest store_json symbols tradier
}
