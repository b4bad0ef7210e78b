//! `sim`: the simulated broker by itself.

use tokio::signal::unix::{SignalKind, signal};

use super::sim_credentials;
use crate::cli::args::SimArgs;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::runtime::{telemetry, world};
use crate::sim;

pub async fn run(setting: Setting, args: SimArgs) -> Result<Exit, Trouble> {
    let _telemetry = telemetry::start(&setting.log_folder(), setting.env.get("COTRADER_LOG"));
    let kept = match &args.credentials {
        Some(path) => sim_credentials::read(path)?,
        None => sim_credentials::Kept::default(),
    };
    let accounts = args.credentials.as_deref().map(sim_credentials::accounts_beside);
    let mut config = world::standing_alone(&setting.wish, kept.before, accounts)
        .map_err(|error| Trouble::failed(error.to_string()).with_remedy(error.remedy()))?;
    config.port = args.port;
    config.secrets = kept.secrets;
    let clock = config.clock.clone();
    config.advertise_dxlink = args.advertise_dxlink;
    config.advertise_account_stream = args.advertise_account_stream;
    let running = sim::start(config).await.map_err(|error| Trouble::failed(error.to_string()))?;
    if let Some(path) = &args.credentials {
        sim_credentials::write(path, running.connection(), clock.now())?;
    }
    if args.print_connection {
        let line = serde_json::to_string(running.connection()).map_err(|e| Trouble::failed(e.to_string()))?;
        super::print(&format!("{line}\n"))?;
    } else {
        super::print(&format!("serving on {}\n", running.connection().base_url))?;
    }
    let no_signal = |error: std::io::Error| Trouble::failed(format!("cannot wait for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signal)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    running.shutdown().await;
    Ok(Exit::Ok)
}
