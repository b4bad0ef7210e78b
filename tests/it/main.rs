//! Black-box tests: the real binary, real SQLite, the real adapter against the simulated broker.

mod architecture;
mod broker;
mod cli;
mod cli_account;
mod cli_broker;
mod cli_price;
mod cockpit;
mod day_close;
mod drills;
mod kill;
mod sim;
mod sim_adapter;
mod sim_clients;
mod sim_faults;
mod sim_orders;
mod sim_recordings;
mod sim_streams;
mod store;
mod store_cli;
mod terminal;
mod tradier;
