//! Assembly: tasks, channels, recovery, shutdown, telemetry.
//!
//! Never: holds a rule.

pub mod broker_task;
pub mod clock;
pub mod compute;
pub mod control;
pub mod desk_task;
pub mod engine_task;
pub mod following;
pub mod ids;
pub mod kill_flag;
pub mod paper_record;
pub mod paper_task;
pub mod recovery;
pub mod settings;
pub mod shell;
pub mod supervised;
pub mod telemetry;
pub mod wire_up;
pub mod world;
