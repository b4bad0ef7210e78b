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
    let wait = Duration::from_secs(args.wait.min(600));
    let (snapshot, complete) = match shell::running_snapshot(&setting.store).await {
        Some(Ok(snapshot)) => (snapshot, true),
        Some(Err(error)) => return Err(Trouble::failed(error.to_string())),
        None => once(&setting, wait).await?,
    };
    if args.json {
        let mut text =
            serde_json::to_string(snapshot.as_ref()).map_err(|e| Trouble::failed(e.to_string()))?;
        text.push('\n');
        super::print(&text)?;
    } else {
        let config = super::cockpit::screen_config(&setting.config.screen, &setting);
        let ui = tui::UiState::new(&config)
            .map_err(|error| Trouble::failed(error.to_string()).with_remedy(error.remedy()))?;
        super::print(&tui::render_text(&snapshot, &ui, args.width, args.height))?;
    }
    if complete {
        Ok(Exit::Ok)
    } else {
        Err(Trouble::new(Exit::BrokerUnreachable, "the picture was not complete in time")
            .with_remedy("see its `warnings`; `cotrader doctor` checks the connection"))
    }
}

/// Starts everything but the screen, waits for a complete picture, and stops again.
async fn once(setting: &Setting, wait: Duration) -> Result<(Arc<Snapshot>, bool), Trouble> {
    let _telemetry = telemetry::start(&setting.log_folder(), setting.env.get("COTRADER_LOG"));
    let plan = wire_up::Plan {
        store: setting.store.clone(),
        config: &setting.config,
        own_broker: setting.own_broker,
        wish: setting.wish.clone(),
        listen: false,
    };
    let running = wire_up::start(plan).await?;
    let mut snapshots = running.snapshots.clone();
    let complete = tokio::time::timeout(
        wait,
        snapshots.wait_for(|picture| picture.as_ref().is_some_and(|picture| picture.is_complete())),
    )
    .await
    .is_ok_and(|waited| waited.is_ok());
    let last = running.snapshots.borrow().clone();
    running.stop().await;
    let last = last.ok_or_else(|| Trouble::failed("no picture was made"))?;
    Ok((last, complete))
}

pub fn schema() -> Result<Exit, Trouble> {
    let schema = schemars::schema_for!(Snapshot);
    let text = serde_json::to_string_pretty(&schema).map_err(|e| Trouble::failed(e.to_string()))?;
    super::print(&format!("{text}\n"))?;
    Ok(Exit::Ok)
}
