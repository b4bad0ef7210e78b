//! Diagnostics go to a file in the state folder, never to the screen, never with a secret.

use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// Kept as long as the process runs; dropping it writes what is buffered.
pub struct Telemetry {
    _guard: WorkerGuard,
}

/// Daily files, seven kept. `None` where the folder cannot be written: diagnostics are no reason to stop.
pub fn start(folder: &Path, filter: Option<&str>) -> Option<Telemetry> {
    std::fs::create_dir_all(folder).ok()?;
    let files = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("cotrader")
        .filename_suffix("log")
        .max_log_files(7)
        .build(folder)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(files);
    let filter = EnvFilter::try_new(filter.unwrap_or("info,rustls=warn,hyper=warn")).ok()?;
    tracing_subscriber::fmt().with_writer(writer).with_ansi(false).with_env_filter(filter).try_init().ok()?;
    Some(Telemetry { _guard: guard })
}
