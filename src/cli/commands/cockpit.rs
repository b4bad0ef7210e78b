//! The cockpit itself: the tasks, and the screen on top of them.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::config::{Colour, Glyphs, ScreenSettings, Theme};
use crate::runtime::engine_task::Ask;
use crate::runtime::{supervised, telemetry, wire_up};
use crate::tui::theme::Color;
use crate::tui::{self, Channels, Request, ScreenConfig, ThemeName, TuiError};

pub async fn run(setting: Setting) -> Result<Exit, Trouble> {
    if !std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        return Err(Trouble::new(Exit::Usage, "the cockpit needs a terminal")
            .with_remedy("for scripts there is `cotrader snapshot --json`"));
    }
    let log = setting.log_folder();
    let _telemetry = telemetry::start(&log, setting.env.get("COTRADER_LOG"));
    tui::install_panic_hook(log.join("crash.txt"), supervised::is_watched);
    let mut running = wire_up::start(setting.plan(true)).await?;
    let (requests, wishes) = mpsc::channel(64);
    let (terminate, signals) = watch::channel(false);
    let channels = Channels {
        snapshots: running.snapshots.clone(),
        notices: std::mem::replace(&mut running.notices, mpsc::channel(1).1),
        requests,
        signals,
    };
    #[cfg(debug_assertions)]
    rehearsal::arrange(&setting.env, running.snapshots.clone(), running.asks.clone());
    let asks = running.asks.clone();
    let forward = tokio::spawn(forward(wishes, asks));
    let watching = tokio::spawn(watch_signals(terminate)?);
    let screen = tui::run(screen_config(&setting.config.screen, &setting), channels).await;
    let ended = running.stop().await;
    forward.abort();
    watching.abort();
    if tui::panicked() {
        // The hook has said what there is to say.
        return Ok(Exit::Failed);
    }
    ended.map_err(|error| Trouble::failed(error.to_string()).with_remedy(error.remedy()))?;
    match screen {
        // The terminal went away: the store is closed, there is nobody left to tell.
        Ok(()) | Err(TuiError::Gone) => Ok(Exit::Ok),
        Err(error @ TuiError::NotATerminal) => {
            Err(Trouble::new(Exit::Usage, error.to_string()).with_remedy(error.remedy()))
        }
        Err(error) => Err(Trouble::failed(error.to_string()).with_remedy(error.remedy())),
    }
}

/// Asked to end from outside: the screen leaves first, then everything else in order.
fn watch_signals(terminate: watch::Sender<bool>) -> Result<impl Future<Output = ()> + Send, Trouble> {
    let listen =
        |kind| signal(kind).map_err(|error| Trouble::failed(format!("cannot wait for signals: {error}")));
    let mut term = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut quit = listen(SignalKind::quit())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = hangup.recv() => {}
            _ = interrupt.recv() => {}
            _ = quit.recv() => {}
        }
        terminate.send_replace(true);
        // Kept until the task is aborted: a dropped sender would be no signal.
        std::future::pending::<()>().await;
    })
}

async fn forward(mut wishes: mpsc::Receiver<Request>, asks: mpsc::Sender<Ask>) {
    while let Some(wish) = wishes.recv().await {
        match wish {
            Request::Quit => return,
            Request::Command(command) => {
                if asks.send(Ask::Command { command, reply: None }).await.is_err() {
                    return;
                }
            }
        }
    }
}

pub fn screen_config(settings: &ScreenSettings, setting: &Setting) -> ScreenConfig {
    let env = &setting.env;
    ScreenConfig {
        theme: match settings.theme {
            Theme::Dark => ThemeName::Dark,
            Theme::Light => ThemeName::Light,
            Theme::Mono => ThemeName::Mono,
            Theme::ColourBlind => ThemeName::ColourBlind,
        },
        colours: settings
            .colours
            .iter()
            .filter_map(|(role, colour)| Some((role.clone(), colour_of(colour)?)))
            .collect(),
        ascii: settings.glyphs == Glyphs::Ascii,
        frame_cap: settings.frames_per_second,
        keys: settings.keys.clone(),
        no_color: env.get("NO_COLOR").is_some(),
        truecolor: env.get("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit"),
    }
}

/// The configuration has checked the name already.
fn colour_of(colour: &Colour) -> Option<Color> {
    match colour {
        Colour::Named(name) => name.parse().ok(),
        Colour::Rgb(r, g, b) => Some(Color::Rgb(*r, *g, *b)),
    }
}

/// Failures on purpose, so that a test can see what the trader would see. Not part of what is shipped.
#[cfg(debug_assertions)]
mod rehearsal {
    use std::sync::Arc;

    use tokio::sync::{mpsc, watch};

    use crate::config::Env;
    use crate::runtime::engine_task::Ask;
    use crate::runtime::supervised;
    use crate::snapshot::Snapshot;

    /// `COTRADER_REHEARSE`: once the first whole picture is there, a task of the process panics that takes the
    /// cockpit along (`panic`), or one that is watched (`part`), or the engine does (`engine`).
    pub(super) fn arrange(
        env: &Env,
        mut snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
        asks: mpsc::Sender<Ask>,
    ) {
        let wish = env.get("COTRADER_REHEARSE").map(str::to_owned);
        let engine = wish.as_deref() == Some("engine");
        let rehearsed = async move {
            let whole = |picture: &Option<Arc<Snapshot>>| picture.as_ref().is_some_and(|p| p.is_complete());
            if snapshots.wait_for(whole).await.is_err() {
                return;
            }
            assert!(engine, "rehearsed");
            drop(asks.send(Ask::Panic).await);
        };
        match wish.as_deref() {
            Some("panic" | "engine") => drop(tokio::spawn(rehearsed)),
            Some("part") => drop(tokio::spawn(supervised::watched(rehearsed))),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{COLOURS, ROLES};

    #[test]
    fn what_the_configuration_accepts_the_screen_can_paint() {
        let mut theme = tui::theme::Theme::new(ThemeName::Dark, false, true);
        for role in ROLES {
            assert!(theme.role(role).is_some(), "{role}");
        }
        let colours = COLOURS.map(|name| colour_of(&Colour::Named(name.to_owned())));
        assert!(colours.iter().all(Option::is_some), "{colours:?}");
        assert_eq!(colour_of(&Colour::Rgb(1, 2, 3)), Some(Color::Rgb(1, 2, 3)));
    }
}
