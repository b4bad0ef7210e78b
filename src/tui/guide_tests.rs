//! The page of keys in the guide says what the table of keys says.

use std::fmt::Write;

use super::dialogs::COMMANDS;
use super::keymap::{Binding, Context, Keymap, Press};

const BEGIN: &str = "<!-- from the table of keys: begin -->\n";
const END: &str = "<!-- from the table of keys: end -->";

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn table(title: &str, bindings: &[&Binding]) -> String {
    let mut out = format!("## {title}\n\n| key | does | name |\n|---|---|---|\n");
    for binding in bindings {
        let keys: Vec<String> = binding.keys.iter().map(Press::words).map(|key| format!("`{key}`")).collect();
        let place = match binding.context {
            Context::Everywhere => String::new(),
            Context::Only(panels) => {
                let numbers: Vec<String> = panels.iter().map(|p| (p.index() + 1).to_string()).collect();
                format!(" (in {})", numbers.join(", "))
            }
        };
        let line = format!("| {} | {}{place} | `{}` |", keys.join(" "), cell(binding.label), binding.name);
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// The part of the page that is not written by hand.
fn expected() -> String {
    let keymap = Keymap::with_overrides(&[]).unwrap();
    let (everywhere, some): (Vec<&Binding>, Vec<&Binding>) =
        keymap.bindings.iter().partition(|binding| binding.context == Context::Everywhere);
    let mut out = table("Everywhere", &everywhere);
    out.push('\n');
    out.push_str(&table("In some panels", &some));
    out.push_str("\n## The command line\n\n| `:` and then | does |\n|---|---|\n");
    for (command, meaning) in COMMANDS {
        writeln!(out, "| `{}` | {} |", cell(command), cell(meaning)).unwrap();
    }
    out
}

#[test]
fn the_page_of_keys_equals_the_table_of_keys() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide/keys.md")).unwrap();
    let (_, rest) = page.split_once(BEGIN).expect("the page has the line that begins the tables");
    let (written, _) = rest.split_once(END).expect("the page has the line that ends the tables");
    let expected = expected();
    assert!(
        written.trim() == expected.trim(),
        "docs/guide/keys.md differs from the table of keys; between its two marks belongs:\n\n{expected}"
    );
}
