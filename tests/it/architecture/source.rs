//! Reads Rust source just well enough to see what a file names: comments and literals blanked, test code
//! separable, paths from the crate's root with their lines.

use std::path::{Path, PathBuf};

/// How items begin that are no part of the program: those for tests, and those for tests and fuzzing.
const FOR_TESTS: [&str; 2] = ["#[cfg(test)", "#[cfg(any(test"];

/// One source file. The path is relative to `src/`.
pub struct Source {
    pub path: PathBuf,
    /// Line for line the file, without comments and without what stands in quotes.
    pub code: String,
}

impl Source {
    pub fn new(path: impl Into<PathBuf>, text: &str) -> Self {
        Self { path: path.into(), code: blank(text) }
    }

    /// The module of the first rank it belongs to: `risk` for `risk/var/mod.rs`, `main` for `main.rs`.
    pub fn module(&self) -> &str {
        let first = self.path.iter().next().and_then(|part| part.to_str()).unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The code without what is compiled for tests only.
    pub fn without_tests(&self) -> String {
        let mut code: Vec<u8> = self.code.clone().into_bytes();
        for marker in FOR_TESTS {
            let mut from = 0;
            while let Some(found) = find(&code, marker.as_bytes(), from) {
                let after = find(&code, b"]", found).map_or(code.len(), |at| at + 1);
                let end = item_end(&code, after);
                for byte in &mut code[found..end] {
                    if *byte != b'\n' {
                        *byte = b' ';
                    }
                }
                from = end;
            }
        }
        String::from_utf8_lossy(&code).into_owned()
    }

    /// Files and folders that this file declares as `#[cfg(test)] mod name;`, or as for tests and fuzzing.
    pub fn test_files(&self) -> Vec<PathBuf> {
        let stem = self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let parent = self.path.parent().unwrap_or(Path::new(""));
        let folder =
            if ["mod", "lib", "main"].contains(&stem) { parent.to_path_buf() } else { parent.join(stem) };
        let mut names = Vec::new();
        for (at, _) in FOR_TESTS.iter().flat_map(|marker| self.code.match_indices(marker)) {
            let (_, item) = self.code[at..].split_once(']').unwrap_or_default();
            let mut words = item.split_whitespace().skip_while(|w| w.starts_with("pub"));
            if let (Some("mod"), Some(name)) = (words.next(), words.next())
                && let Some(name) = name.strip_suffix(';')
            {
                names.push(folder.join(format!("{name}.rs")));
                names.push(folder.join(name));
            }
        }
        names
    }

    /// How many `super::` lead from this file to the crate's root.
    fn depth(&self) -> usize {
        let parts = self.path.iter().count();
        if self.path.ends_with("mod.rs") { parts - 1 } else { parts }
    }

    /// Paths from the crate's root that `code` names, with their lines: `crate::a::b`, groups, and
    /// `super::` chains that climb as far as the root.
    pub fn root_paths(&self, code: &str) -> Vec<(usize, String)> {
        let mut paths = Vec::new();
        for (at, root) in code.match_indices("crate::") {
            if !is_part(code[..at].chars().next_back()) {
                collect(code, at + root.len(), &mut paths);
            }
        }
        let climb = "super::".repeat(self.depth());
        for (at, _) in code.match_indices(&climb) {
            let before = &code[..at];
            if !is_part(before.chars().next_back()) && !before.ends_with("super::") {
                collect(code, at + climb.len(), &mut paths);
            }
        }
        paths.into_iter().map(|(at, path)| (line_of(code, at), path)).collect()
    }

    /// Lines on which `code` names the path `a::b` (or the word `a`), also inside a group `a::{b, c}`.
    pub fn names(&self, code: &str, path: &str) -> Vec<usize> {
        let whole = |at: usize, length: usize| {
            !is_part(code[..at].chars().next_back()) && !is_part(code[at + length..].chars().next())
        };
        let mut lines: Vec<usize> = code
            .match_indices(path)
            .filter(|(at, found)| whole(*at, found.len()))
            .map(|(at, _)| line_of(code, at))
            .collect();
        if let Some((outer, inner)) = path.split_once("::") {
            let group = format!("{outer}::{{");
            for (at, opening) in code.match_indices(&group) {
                let mut members = Vec::new();
                collect(code, at + opening.len() - 1, &mut members);
                let named = members.iter().filter(|(_, member)| member.split("::").next() == Some(inner));
                lines.extend(named.map(|(at, _)| line_of(code, *at)));
            }
        }
        lines
    }
}

fn is_part(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// The path, or the members of the group, that begin at `at`.
fn collect(code: &str, at: usize, paths: &mut Vec<(usize, String)>) {
    if let Some(group) = code[at..].strip_prefix('{') {
        let mut depth = 0;
        let mut start = at + 1;
        for (offset, c) in group.char_indices() {
            let here = at + 1 + offset;
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    member(code, start, here, paths);
                    return;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    member(code, start, here, paths);
                    start = here + 1;
                }
                _ => {}
            }
        }
        return;
    }
    let path: String =
        code[at..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
    paths.push((at, path.trim_end_matches(':').to_owned()));
}

fn member(code: &str, start: usize, end: usize, paths: &mut Vec<(usize, String)>) {
    let text = &code[start..end];
    let at = start + (text.len() - text.trim_start().len());
    let path: String =
        text.trim().chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
    if !path.is_empty() && path != "self" {
        paths.push((at, path.trim_end_matches(':').to_owned()));
    }
}

fn find(code: &[u8], what: &[u8], from: usize) -> Option<usize> {
    code[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
}

/// Where the item that begins at `from` ends: at its `;`, or at the brace that closes it.
fn item_end(code: &[u8], from: usize) -> usize {
    let mut depth = 0usize;
    for (offset, byte) in code[from..].iter().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return from + offset + 1;
                }
            }
            b';' if depth == 0 => return from + offset + 1,
            _ => {}
        }
    }
    code.len()
}

/// Comments and the insides of literals become spaces; line breaks stay, so that lines can be counted.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// The end of the comment or literal that starts at `at`; `at` itself where none does.
fn literal_or_comment(chars: &[char], at: usize) -> usize {
    let next = |ahead: usize| chars.get(at + ahead).copied();
    let after_name = at > 0 && is_part(Some(chars[at - 1]));
    match chars[at] {
        '/' if next(1) == Some('/') => position(chars, at, |c| c == '\n'),
        '/' if next(1) == Some('*') => block_comment_end(chars, at),
        '"' => string_end(chars, at + 1),
        'r' if !after_name || chars[at - 1] == 'b' => raw_string_end(chars, at).unwrap_or(at),
        '\'' if next(1) == Some('\\') => position(chars, at + 3, |c| c == '\'') + 1,
        '\'' if next(2) == Some('\'') => at + 3,
        _ => at,
    }
}

fn position(chars: &[char], from: usize, is: impl Fn(char) -> bool) -> usize {
    chars.iter().skip(from).position(|c| is(*c)).map_or(chars.len(), |offset| from + offset)
}

fn block_comment_end(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') if depth == 1 => return at + 2,
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes = |from: usize| {
        chars[from] == '"' && chars[from + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    (open + 1..chars.len()).find(|from| closes(*from)).map(|quote| quote + 1 + hashes)
}
