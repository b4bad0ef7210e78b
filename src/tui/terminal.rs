//! The terminal: taken over in one place, given back exactly once, on every way out.
//!
//! Whether it is taken is a fact of the process, not of a value: panic hook and signal handlers must be able
//! to give it back. Hence the one flag below.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::{Attribute, ResetColor, SetAttribute};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::tty::IsTty;
use crossterm::{cursor, execute, queue};

/// The terminal is ours and must be given back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A panic was reported: whatever ends now ends because of it.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Whether the panic hook has spoken.
pub fn panicked() -> bool {
    PANICKED.load(Ordering::SeqCst)
}

/// Gives the terminal back: main screen, cooked mode, cursor, no paste brackets. Any number of calls, from
/// anywhere, do it once.
pub fn restore_terminal() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // Where the terminal is gone there is nobody left to tell.
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        SetAttribute(Attribute::Reset),
        ResetColor,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show,
    );
    let _ = disable_raw_mode();
}

/// Whether the screen may be drawn on.
pub(super) fn is_taken() -> bool {
    TAKEN.load(Ordering::SeqCst)
}

pub(super) fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    // A cockpit that was killed leaves its picture on the alternate screen: begin on an empty one.
    let entered = execute!(
        io::stdout(),
        EnterAlternateScreen,
        Clear(ClearType::All),
        EnableBracketedPaste,
        cursor::Hide
    );
    if entered.is_err() {
        restore_terminal();
    }
    entered
}

pub(super) fn is_terminal() -> bool {
    io::stdout().is_tty() && io::stdin().is_tty()
}

/// The terminal for as long as this lives.
#[derive(Debug)]
pub(super) struct Guard(());

impl Guard {
    pub(super) fn enter() -> io::Result<Self> {
        take()?;
        Ok(Self(()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore_terminal();
    }
}

/// What the run loop asks of a terminal beyond drawing.
pub(super) trait Shell {
    /// A panic elsewhere in the process gives the terminal back under our feet.
    fn is_ours(&self) -> bool;
    /// An error means that the terminal is no longer ours.
    fn begin_frame(&mut self) -> io::Result<()>;
    fn end_frame(&mut self) -> io::Result<()>;
    fn copy(&mut self, text: &str) -> io::Result<()>;
    /// Returns when the trader is back.
    fn suspend(&mut self) -> io::Result<()>;
    /// The process was continued by somebody else: the terminal may have been given back.
    fn resume(&mut self) -> io::Result<()>;
}

#[derive(Debug, Default)]
pub(super) struct RealShell;

impl Shell for RealShell {
    fn is_ours(&self) -> bool {
        is_taken()
    }

    fn begin_frame(&mut self) -> io::Result<()> {
        if !is_taken() {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the terminal has been given back"));
        }
        queue!(io::stdout(), BeginSynchronizedUpdate)
    }

    fn end_frame(&mut self) -> io::Result<()> {
        execute!(io::stdout(), EndSynchronizedUpdate)
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
    }

    fn suspend(&mut self) -> io::Result<()> {
        restore_terminal();
        stop_here()?;
        take()
    }

    fn resume(&mut self) -> io::Result<()> {
        // Raw mode is set anew: the shell has put back its own.
        restore_terminal();
        take()
    }
}

/// Stops the process; the call returns after SIGCONT. SIGSTOP, because SIGTSTP has a handler here.
#[cfg(unix)]
fn stop_here() -> io::Result<()> {
    use rustix::process::{Signal, getpid, kill_process};
    kill_process(getpid(), Signal::STOP).map_err(io::Error::from)
}

#[cfg(not(unix))]
fn stop_here() -> io::Result<()> {
    Ok(())
}

/// Gives the terminal back before anything is printed, writes the report, says one line. Installed before the
/// terminal is taken. What panics where `is_watched` is caught and told by whoever watches: the screen stays.
pub fn install_panic_hook(report_to: PathBuf, is_watched: fn() -> bool) {
    std::panic::set_hook(Box::new(move |panic| {
        if is_watched() {
            let trace = std::backtrace::Backtrace::force_capture();
            tracing::error!(%panic, %trace, "a part of the cockpit panicked");
            return;
        }
        PANICKED.store(true, Ordering::SeqCst);
        restore_terminal();
        let message = panic
            .payload_as_str()
            .map_or_else(|| "no message".to_owned(), |m| crate::domain::text::clean(m, 2_000));
        let place = panic.location().map_or_else(String::new, |l| format!("{}:{}", l.file(), l.line()));
        let thread = std::thread::current();
        let report = format!(
            "cotrader {} stopped on an error of its own\nthread: {}\nplace: {place}\nmessage: {message}\n\n{}\n",
            env!("CARGO_PKG_VERSION"),
            thread.name().unwrap_or("unnamed"),
            std::backtrace::Backtrace::force_capture()
        );
        let written = std::fs::write(&report_to, report);
        let told = match written {
            Ok(()) => format!("report: {}", report_to.display()),
            Err(error) => format!("no report: {error}"),
        };
        let _ = writeln!(
            io::stderr(),
            "cotrader stopped on an error of its own at {place}: {message}\n{told}\nOrders and positions at the broker are as they were."
        );
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn giving_back_what_was_never_taken_does_nothing() {
        restore_terminal();
        restore_terminal();
        assert!(!is_taken());
        assert!(RealShell.begin_frame().is_err());
    }
}
