//! Where in a YAML text a key or a word stands, so that an error about meaning can name line and column too.

use super::error::Place;

/// The place of the key path, or of its longest known beginning. Block style is followed by indentation;
/// below that, in flow style, by looking for the key's name.
pub(super) fn key(text: &str, path: &[&str]) -> Option<Place> {
    let (mut line, mut column, depth) = block(text, path)?;
    for name in &path[depth..] {
        match word_from(text, line, column, name) {
            Some(place) => (line, column) = (place.line, place.column),
            None => break,
        }
    }
    Some(Place { line, column })
}

/// The place of `word` at or below the key path; the key's own place where it is not found.
pub(super) fn word(text: &str, path: &[&str], word: &str) -> Option<Place> {
    let start = key(text, path)?;
    let after_key = start.column + path.last().map_or(0, |name| name.chars().count());
    Some(word_from(text, start.line, after_key, word).unwrap_or(start))
}

/// The first place of `word` from a place on.
pub(super) fn from(text: &str, start: Place, word: &str) -> Option<Place> {
    word_from(text, start.line, start.column, word)
}

/// The second place of a key that stands at the same indentation as its first, from a place on.
pub(super) fn repeated(text: &str, start: Place, name: &str) -> Option<Place> {
    let first = from(text, start, name)?;
    let mut after = first;
    loop {
        after = word_from(text, after.line, after.column + 1, name)?;
        if after.column == first.column || after.line == first.line {
            return Some(after);
        }
    }
}

/// Line, column and how many of the path's names were found as keys in block style.
fn block(text: &str, path: &[&str]) -> Option<(usize, usize, usize)> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut best: Option<(usize, usize, usize)> = None;
    for (index, line) in text.lines().enumerate() {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        let Some((name, _)) = body.split_once(':').filter(|_| !body.starts_with(['#', '-', '{', '['])) else {
            continue;
        };
        while open.last().is_some_and(|(outer, _)| *outer >= indent) {
            open.pop();
        }
        open.push((indent, name.trim_end().trim_matches(['"', '\''])));
        let depth = open.len();
        let on_path = depth <= path.len() && open.iter().zip(path).all(|((_, have), want)| have == want);
        if on_path && best.is_none_or(|(_, _, found)| depth > found) {
            best = Some((index + 1, indent + 1, depth));
        }
    }
    best
}

fn word_from(text: &str, line: usize, column: usize, word: &str) -> Option<Place> {
    for (index, content) in text.lines().enumerate().skip(line - 1) {
        let live = content.split(" #").next().unwrap_or(content);
        let least = if index + 1 == line { column } else { 1 };
        for (at, _) in live.match_indices(word) {
            let place = Place { line: index + 1, column: live[..at].chars().count() + 1 };
            if place.column >= least && stands_alone(live, at, word.len()) {
                return Some(place);
            }
        }
    }
    None
}

fn stands_alone(line: &str, at: usize, length: usize) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    !line[..at].ends_with(part) && !line[at + length..].starts_with(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "a:\n  core:\n    x: 1\nb:\n  core:\n    x: {one: 1, two: 2}\n    list:\n      - ab\n      - b\n";

    #[test]
    fn the_same_name_elsewhere_is_not_mistaken_for_the_path() {
        assert_eq!(key(TEXT, &["b", "core", "x"]), Some(Place { line: 6, column: 5 }));
        assert_eq!(key(TEXT, &["b", "core", "x", "two"]), Some(Place { line: 6, column: 17 }));
        assert_eq!(key(TEXT, &["b", "core", "absent"]), Some(Place { line: 5, column: 3 }));
        assert_eq!(key(TEXT, &["c"]), None);
    }

    #[test]
    fn words_are_found_whole() {
        assert_eq!(word(TEXT, &["b", "core", "list"], "b"), Some(Place { line: 9, column: 9 }));
    }
}
