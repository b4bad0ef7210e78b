//! Questions on the terminal. A secret is typed without an echo, and the terminal is put right however the
//! question ends.

use std::io::{BufRead, Write};

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use secrecy::{ExposeSecret, SecretString};

use crate::cli::exit::{Exit, Trouble};

/// A refresh token has a few hundred characters.
const MOST: usize = 8 * 1024;

/// The terminal without an echo, from before the first question to after the last answer: nothing that is
/// typed or pasted ahead can show.
pub struct Unseen;

impl Unseen {
    pub fn begin() -> Result<Self, Trouble> {
        enable_raw_mode().map_err(|error| no_terminal(&error))?;
        Ok(Self)
    }

    /// Asks until something usable comes.
    pub fn ask(&self, question: &str) -> Result<SecretString, Trouble> {
        for _ in 0..3 {
            say(question)?;
            let typed = typed_unseen();
            say("\r\n")?;
            let typed = typed?;
            match objection(typed.expose_secret()) {
                None => return Ok(SecretString::from(typed.expose_secret().trim().to_owned())),
                Some(why) => say(&format!("{why}\r\n"))?,
            }
        }
        Err(Trouble::new(Exit::Usage, "no credentials were given")
            .with_remedy("run `cotrader init` again, or `cotrader init --no-credentials` for the demo"))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // Nothing is left to be done where even that fails.
        let _ = disable_raw_mode();
    }
}

fn no_terminal(error: &std::io::Error) -> Trouble {
    Trouble::failed(format!("the terminal cannot be read: {error}"))
        .with_remedy("use `cotrader init --no-credentials` and fill in the .env file")
}

/// Why it cannot be a credential; the text itself is not repeated.
fn objection(typed: &str) -> Option<&'static str> {
    let typed = typed.trim();
    if typed.is_empty() {
        Some("nothing was typed")
    } else if typed.len() >= MOST {
        Some("that is too long")
    } else if typed.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\'' || c == '"') {
        Some("a credential has no spaces and no quotes")
    } else {
        None
    }
}

fn typed_unseen() -> Result<SecretString, Trouble> {
    let mut typed = String::new();
    loop {
        let event = read().map_err(|error| no_terminal(&error))?;
        let Event::Key(key) = event else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Enter => return Ok(typed.into()),
            // What a pasted line feed looks like.
            KeyCode::Char('j' | 'm') if control => return Ok(typed.into()),
            KeyCode::Esc => return Err(given_up()),
            KeyCode::Char('c' | 'd') if control => return Err(given_up()),
            KeyCode::Char('u') if control => typed.clear(),
            KeyCode::Backspace => drop(typed.pop()),
            KeyCode::Char(c) if !control && typed.len() < MOST => typed.push(c),
            _ => {}
        }
    }
}

fn given_up() -> Trouble {
    Trouble::failed("given up; no credentials were written")
        .with_remedy("`cotrader` starts the demo without them")
}

/// Anything but yes is no.
pub fn yes(question: &str) -> Result<bool, Trouble> {
    say(question)?;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Trouble::failed(format!("the terminal cannot be read: {error}")))?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn say(text: &str) -> Result<(), Trouble> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(crate::cli::commands::stdout_gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_credential_is_asked_for_again() {
        assert_eq!(objection("eyJhbGciOi.J9-_~+/="), None);
        assert_eq!(objection("  padded  "), None);
        assert!(objection("").is_some());
        assert!(objection("two words").is_some());
        assert!(objection("'quoted'").is_some());
    }
}
