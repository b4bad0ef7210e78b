//! The shape of the program, checked: who may import whom, what the centre may not name, and that the page
//! about it tells the truth.

mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use source::Source;

/// Rank, module, what it may import. Complete: what is not listed is forbidden. The same table stands in
/// `docs/architecture.md`.
const ARROWS: &[(u8, &str, &[&str])] = &[
    (0, "numerics", &[]),
    (0, "domain", &[]),
    (1, "pricing", &["domain", "numerics"]),
    (1, "containers", &["domain"]),
    (1, "store", &["domain"]),
    (2, "market", &["domain", "numerics", "pricing"]),
    (4, "risk", &["domain", "numerics", "pricing", "market", "containers"]),
    (5, "broker", &["domain", "market", "risk"]),
    (5, "booking", &["domain", "pricing", "market", "containers", "risk"]),
    (6, "advisor", &["domain", "numerics", "pricing", "market", "containers", "risk", "booking"]),
    (6, "sim", &["domain", "numerics", "pricing", "market", "risk", "broker"]),
    (7, "snapshot", &["domain", "market", "containers", "risk", "booking", "advisor"]),
    (8, "engine", &["domain", "market", "containers", "risk", "booking", "advisor", "snapshot"]),
    (8, "tui", &["domain", "snapshot"]),
    (10, "config", &["domain"]),
    (
        11,
        "runtime",
        &[
            "config",
            "domain",
            "containers",
            "market",
            "risk",
            "booking",
            "store",
            "broker",
            "sim",
            "engine",
            "snapshot",
            "tui",
        ],
    ),
    (
        12,
        "cli",
        &[
            "numerics",
            "domain",
            "pricing",
            "containers",
            "store",
            "market",
            "risk",
            "broker",
            "booking",
            "sim",
            "snapshot",
            "engine",
            "tui",
            "config",
            "runtime",
        ],
    ),
];

/// Guests who see one room only: importer, module, the only path below it.
const NARROW: &[(&str, &str, &str)] = &[("sim", "broker", "broker::tastytrade::wire")];

const CENTRE: &[&str] = &[
    "numerics",
    "domain",
    "pricing",
    "containers",
    "market",
    "risk",
    "booking",
    "advisor",
    "snapshot",
    "engine",
];

/// The outside world: not named by the centre, its tests apart.
const OUTSIDE: &[&str] = &[
    "tokio",
    "reqwest",
    "rusqlite",
    "crossterm",
    "ratatui",
    "axum",
    "tokio_tungstenite",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
];

/// Time, identity and chance come in as arguments, in the centre's tests too.
const AMBIENT: &[&str] = &[
    "Utc::now",
    "Local::now",
    "Instant::now",
    "SystemTime::now",
    "Uuid::new_v4",
    "Uuid::now_v7",
    "thread_rng",
    "rand::rng",
    "rand::random",
    "from_os_rng",
    "from_entropy",
    "OsRng",
    "SysRng",
];

/// Libraries that one module hides from all others.
const HIDDEN: &[(&str, &str)] = &[("rusqlite", "store"), ("axum", "sim"), ("reqwest", "broker")];

const MOST_LINES: usize = 600;
/// Long and flat: data without a decision in it.
const FLAT: &[&str] = &["src/tui/sample.rs"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    files_below(&src)
        .into_iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            Some(Source::new(path.strip_prefix(&src).ok()?, &text))
        })
        .collect()
}

/// Paths that are compiled for tests only.
fn test_files(sources: &[Source]) -> BTreeSet<PathBuf> {
    sources.iter().flat_map(Source::test_files).collect()
}

fn is_test_file(source: &Source, tests: &BTreeSet<PathBuf>) -> bool {
    source.path.ancestors().any(|path| tests.contains(path))
}

fn arrow_violations(sources: &[Source]) -> Vec<String> {
    let tests = test_files(sources);
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| !is_test_file(source, &tests)) {
        let module = source.module();
        let Some((_, _, allowed)) = ARROWS.iter().find(|(_, name, _)| *name == module) else { continue };
        for (line, path) in source.root_paths(&source.without_tests()) {
            let target = path.split("::").next().unwrap_or_default();
            let known = ARROWS.iter().any(|(_, name, _)| *name == target);
            if !known || target == module {
                continue;
            }
            let narrow = NARROW.iter().find(|(guest, host, _)| *guest == module && *host == target);
            let place = format!("({}:{line})", source.path.display());
            if !allowed.contains(&target) {
                violations.push(format!("`{module}` imports `{target}` {place}: not in the arrows"));
            } else if let Some((_, _, room)) = narrow.filter(|(_, _, room)| !path.starts_with(room)) {
                violations.push(format!("`{module}` imports `{path}` {place}: only `{room}` is open to it"));
            }
        }
    }
    violations
}

fn purity_violations(sources: &[Source]) -> Vec<String> {
    let tests = test_files(sources);
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| CENTRE.contains(&source.module())) {
        let shipped = if is_test_file(source, &tests) { String::new() } else { source.without_tests() };
        let outside = OUTSIDE.iter().map(|name| (*name, shipped.as_str()));
        let ambient = AMBIENT.iter().map(|name| (*name, source.code.as_str()));
        for (name, code) in outside.chain(ambient) {
            for line in source.names(code, name) {
                let place = format!("({}:{line})", source.path.display());
                violations.push(format!("`{}` names `{name}` {place}: the centre may not", source.module()));
            }
        }
    }
    violations
}

fn hidden_violations(sources: &[Source]) -> Vec<String> {
    let tests = test_files(sources);
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| !is_test_file(source, &tests)) {
        let code = source.without_tests();
        for (library, home) in HIDDEN.iter().filter(|(_, home)| *home != source.module()) {
            for line in source.names(&code, library) {
                let place = format!("({}:{line})", source.path.display());
                violations
                    .push(format!("`{}` names `{library}` {place}: only `{home}` may", source.module()));
            }
        }
    }
    violations
}

#[track_caller]
fn expect_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn imports_follow_the_arrows() {
    expect_none(&arrow_violations(&sources()));
}

#[test]
fn the_centre_names_neither_the_outside_nor_the_clock() {
    expect_none(&purity_violations(&sources()));
}

#[test]
fn libraries_stay_in_the_module_that_hides_them() {
    expect_none(&hidden_violations(&sources()));
}

/// What could lead out of the process.
const WAYS_OUT: &[&str] =
    &["reqwest", "tastytrade", "url", "Url", "std::net", "tokio::net", "std::fs", "secrecy", "hyper"];

#[test]
fn the_paper_broker_has_no_way_to_a_host() {
    let paper: Vec<Source> =
        sources().into_iter().filter(|source| source.path.starts_with("broker/paper")).collect();
    assert!(paper.len() >= 4, "its files are looked at: {}", paper.len());
    let mut found = Vec::new();
    for source in &paper {
        let code = source.without_tests();
        for way in WAYS_OUT {
            found.extend(
                source
                    .names(&code, way)
                    .iter()
                    .map(|line| format!("{}:{line}: {way}", source.path.display())),
            );
        }
    }
    expect_none(&found);
}

#[test]
fn arrows_point_down_and_every_module_has_a_row() {
    let rank = |module: &str| ARROWS.iter().find(|(_, name, _)| *name == module).map(|(rank, ..)| *rank);
    for (own, module, allowed) in ARROWS {
        for target in *allowed {
            assert!(
                rank(target).is_some_and(|below| below < *own),
                "`{module}` → `{target}` does not point down"
            );
        }
    }
    let rows: BTreeSet<&str> = ARROWS.iter().map(|(_, name, _)| *name).collect();
    let sources = sources();
    let lib = sources.iter().find(|source| source.module() == "lib").expect("src/lib.rs exists");
    let shipped = lib.without_tests();
    let modules: BTreeSet<&str> = shipped
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    assert_eq!(modules, rows, "src/lib.rs on the left, the arrows on the right");
}

#[test]
fn the_program_itself_only_calls_the_command_line() {
    let sources = sources();
    let main = sources.iter().find(|source| source.module() == "main").expect("src/main.rs exists");
    for (at, root) in main.code.match_indices("cotrader::") {
        let path = &main.code[at + root.len()..];
        assert!(
            path.starts_with("cli"),
            "main.rs reaches past cli: {}",
            path.lines().next().unwrap_or_default()
        );
    }
}

#[test]
fn the_page_about_the_architecture_has_the_same_arrows() {
    let page =
        std::fs::read_to_string(root().join("docs/architecture.md")).expect("docs/architecture.md exists");
    let table =
        page.split("| rank | module | may import |").nth(1).expect("the page has the table of arrows");
    let written: Vec<String> =
        table.lines().skip(2).take_while(|line| line.starts_with('|')).map(str::to_owned).collect();
    let row = |(rank, module, allowed): &(u8, &str, &[&str])| {
        let allowed = if allowed.is_empty() { "–".to_owned() } else { allowed.join(", ") };
        format!("| {rank} | `{module}` | {allowed} |")
    };
    let expected: Vec<String> = ARROWS.iter().map(row).collect();
    assert_eq!(written, expected);
}

#[test]
fn no_source_file_outgrows_its_subject() {
    let flat = |path: &PathBuf| FLAT.iter().any(|known| path.ends_with(known));
    let long: Vec<String> = files_below(&root().join("src"))
        .into_iter()
        .filter(|path| !flat(path))
        .filter_map(|path| {
            let lines = std::fs::read_to_string(&path).ok()?.lines().count();
            (lines > MOST_LINES)
                .then(|| format!("{}: {lines} lines, look for the second subject", path.display()))
        })
        .collect();
    expect_none(&long);
}

#[test]
fn no_test_file_is_forgotten() {
    let folder = root().join("tests/it");
    let main = std::fs::read_to_string(folder.join("main.rs")).expect("tests/it/main.rs exists");
    let declared: BTreeSet<&str> =
        main.lines().filter_map(|line| line.trim().strip_prefix("mod ")?.strip_suffix(';')).collect();
    let forgotten: Vec<String> = std::fs::read_dir(&folder)
        .expect("tests/it can be listed")
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "main" && !declared.contains(name.as_str()))
        .collect();
    assert_eq!(forgotten, Vec::<String>::new(), "add `mod …;` to tests/it/main.rs");
}

/// The checks above pass on good code; these show that they fail on bad code.
mod the_checks_can_fail {
    use super::*;

    fn one(path: &str, text: &str) -> Vec<Source> {
        vec![Source::new(path, text)]
    }

    #[test]
    fn on_an_import_in_every_form() {
        let text = "use crate::domain::Money;\n\nuse crate::engine::step;\n";
        let expected = ["`risk` imports `engine` (risk/limits.rs:3): not in the arrows"];
        assert_eq!(arrow_violations(&one("risk/limits.rs", text)), expected);
        for text in [
            "use crate::{domain::{Money, Price},\n    engine::{a, b}};",
            "fn f() -> crate::engine::Step { todo }",
            "use super::super::engine::Step;",
            "pub(crate) use crate::engine as e;",
            "/* /* a */ */ let c = '\"'; use crate::engine; // '",
            "let s = r#\"a \" b\"#; crate::engine::f(s)",
            "fn f<'a>(x: &'a str) { crate::engine::f('\\'') }",
        ] {
            assert_eq!(arrow_violations(&one("risk/limits.rs", text)).len(), 1, "{text}");
        }
        assert_eq!(arrow_violations(&one("risk/mod.rs", "use super::engine::Step;")).len(), 1);
    }

    #[test]
    fn but_not_on_words_in_comments_strings_tests_or_inside_the_module() {
        for text in [
            "// use crate::engine;\n/// crate::engine",
            "const A: &str = \"crate::engine\";",
            "#[cfg(test)]\nmod tests { use crate::engine; fn f() { { } } }\n",
            "use super::engine::own;",
            "use crate::risk::engine; use crate::domain::engine;",
            "use other_crate::engine;",
        ] {
            assert_eq!(arrow_violations(&one("risk/limits.rs", text)), Vec::<String>::new(), "{text}");
        }
        let after_tests = "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::engine;";
        assert_eq!(arrow_violations(&one("risk/limits.rs", after_tests)).len(), 1);
    }

    #[test]
    fn test_files_are_known_by_their_declaration() {
        let declared = Source::new("risk/mod.rs", "#[cfg(test)]\nmod tests;");
        let file = || Source::new("risk/tests.rs", "use crate::engine;");
        assert_eq!(arrow_violations(&[declared, file()]), Vec::<String>::new());
        assert_eq!(arrow_violations(&[file()]).len(), 1);
    }

    #[test]
    fn what_fuzzing_alone_compiles_is_test_code() {
        let marker = "#[cfg(any(test, feature = \"fuzzing\"))]";
        let declared =
            Source::new("risk/mod.rs", &format!("{marker}\npub(crate) mod fuzzing;\nuse super::own;"));
        let file = || Source::new("risk/fuzzing.rs", "use crate::engine;");
        assert_eq!(arrow_violations(&[declared, file()]), Vec::<String>::new());
        assert_eq!(arrow_violations(&[file()]).len(), 1);
        let after = format!("{marker}\nfn f() {{ crate::engine::f() }}\nuse crate::engine;");
        assert_eq!(arrow_violations(&one("risk/limits.rs", &after)).len(), 1);
    }

    #[test]
    fn on_the_outside_world_and_on_the_clock() {
        for text in [
            "use std::{fmt, fs};",
            "use std::fs::File;",
            "let t = chrono::Utc::now();",
            "#[cfg(test)] mod tests { fn f() { Utc::now(); } }",
            "async fn f() { tokio::task::yield_now().await }",
            "let mut r = rand::rng();",
        ] {
            assert_eq!(purity_violations(&one("risk/limits.rs", text)).len(), 1, "{text}");
        }
        for text in ["#[cfg(test)] mod tests { use std::fs; }", "let now = input.now;", "use std::fmt;"] {
            assert_eq!(purity_violations(&one("risk/limits.rs", text)), Vec::<String>::new(), "{text}");
        }
        assert_eq!(purity_violations(&one("runtime/mod.rs", "Utc::now()")), Vec::<String>::new());
    }

    #[test]
    fn on_a_library_outside_its_module_and_on_a_guest_in_the_wrong_room() {
        assert_eq!(hidden_violations(&one("cli/mod.rs", "use rusqlite::Connection;")).len(), 1);
        assert_eq!(
            hidden_violations(&one("store/mod.rs", "use rusqlite::Connection;")),
            Vec::<String>::new()
        );
        assert_eq!(
            arrow_violations(&one("sim/rest.rs", "use crate::broker::tastytrade::wire::Order;")).len(),
            0
        );
        assert_eq!(arrow_violations(&one("sim/rest.rs", "use crate::broker::BrokerError;")).len(), 1);
    }
}
