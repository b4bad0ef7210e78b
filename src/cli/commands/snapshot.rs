//! `snapshot`: the whole screen once, from the cockpit that runs or from one started for the moment.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::SnapshotArgs;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::runtime::{shell, telemetry, wire_up};
use crate::snapshot::Snapshot;
use crate::tui;

pub async fn run(setting: Setting, args: SnapshotArgs) -> Result<Exit, Trouble> {
    super::refuse_other_market(&setting).await?;
    let wait = Duration::from_secs(args.wait.min(600));
    let (snapshot, complete) = picture(&setting, wait).await?;
    if args.json {
        super::print_json(snapshot.as_ref())?;
    } else {
        let config = super::cockpit::screen_config(&setting.config.screen, &setting);
        let ui = tui::UiState::new(&config)
            .map_err(|error| Trouble::failed(error.to_string()).with_remedy(error.remedy()))?;
        let screen = tui::render_text(&snapshot, &ui, args.width, args.height);
        super::print(&format!("{}\n", screen.trim_end_matches('\n')))?;
    }
    if complete {
        Ok(Exit::Ok)
    } else {
        Err(Trouble::new(Exit::BrokerUnreachable, "the picture was not complete in time")
            .with_remedy("see its `warnings`; `cotrader doctor` checks the connection"))
    }
}

/// From the cockpit that runs, or from one started for the moment; and whether it is complete.
pub(super) async fn picture(setting: &Setting, wait: Duration) -> Result<(Arc<Snapshot>, bool), Trouble> {
    match of_the_cockpit(setting, wait).await? {
        Some(taken) => Ok(taken),
        None => once(setting, wait).await,
    }
}

/// How often a cockpit whose picture is not complete yet is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// The picture of the cockpit that runs on this store, and whether it is complete; `None` when none runs.
async fn of_the_cockpit(setting: &Setting, wait: Duration) -> Result<Option<(Arc<Snapshot>, bool)>, Trouble> {
    let until = tokio::time::Instant::now() + wait;
    loop {
        let answer = tokio::time::timeout(wait.max(ANSWER), shell::running_snapshot(&setting.store)).await;
        let in_time = tokio::time::Instant::now() < until;
        match answer {
            Err(_) => return Err(Trouble::failed("the running cockpit does not answer")),
            Ok(None) => return Ok(None),
            Ok(Some(Ok(snapshot))) if snapshot.is_whole() => return Ok(Some((snapshot, true))),
            Ok(Some(Ok(snapshot))) if !in_time => return Ok(Some((snapshot, false))),
            Ok(Some(Err(error))) if !in_time => return Err(Trouble::failed(error.to_string())),
            Ok(Some(_)) => tokio::time::sleep(ASK_AGAIN).await,
        }
    }
}

/// A cockpit answers within milliseconds; even `--wait 0` gives it this long.
const ANSWER: Duration = Duration::from_secs(2);

/// Starts everything but the screen, waits for a complete picture, and stops again.
async fn once(setting: &Setting, wait: Duration) -> Result<(Arc<Snapshot>, bool), Trouble> {
    let _telemetry = telemetry::start(&setting.log_folder(), setting.env.get("COTRADER_LOG"));
    let running = wire_up::start(setting.plan(false)).await?;
    let complete = running.complete(wait, Snapshot::is_whole).await;
    let last = running.snapshots.borrow().clone();
    if let Err(error) = running.stop().await {
        tracing::warn!(%error, "after the picture was taken");
    }
    let last = last.ok_or_else(|| Trouble::new(Exit::BrokerUnreachable, "no picture was made in time"))?;
    Ok((last, complete))
}

pub fn schema() -> Result<Exit, Trouble> {
    let schema = schemars::schema_for!(Snapshot);
    let text = serde_json::to_string_pretty(&schema).map_err(|e| Trouble::failed(e.to_string()))?;
    super::print(&format!("{text}\n"))?;
    Ok(Exit::Ok)
}
