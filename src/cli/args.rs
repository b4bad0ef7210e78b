//! The command line as it is typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::sim::{FAULTS_HELP, FaultSpec};

/// The risk cockpit for one person's options book.
///
/// Without a command the cockpit starts. Where no broker credentials are configured it starts the demo: a
/// simulated broker on a loopback port, in a store of its own.
#[derive(Debug, Parser)]
#[command(name = "cotrader", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 ok · 1 failed · 2 usage · 3 blocked by a limit or gate · 4 broker unreachable · 5 store damaged\n\
    Keys inside the cockpit: ? shows them all."
)]
pub struct Cli {
    /// Folder of the event store
    #[arg(long, global = true, value_name = "DIR", env = "COTRADER_STORE")]
    pub store: Option<PathBuf>,
    /// Folder of cotrader.yaml and portfolios.yaml
    #[arg(long, global = true, value_name = "DIR", env = "COTRADER_CONFIG")]
    pub config: Option<PathBuf>,
    /// Fill every order on paper, whatever is configured: none leaves this machine
    #[arg(long, global = true)]
    pub paper: bool,
    #[command(flatten)]
    pub world: WorldArgs,
    #[command(subcommand)]
    pub command: Option<Command>,
}

const WORLD: &str = "The simulated broker's market";

/// What the simulated broker shows.
#[derive(Debug, Clone, Default, Args)]
pub struct WorldArgs {
    /// A recorded option chain (CSV, also .gz) shown as an open session; repeatable
    #[arg(long, global = true, help_heading = WORLD, value_name = "FILE")]
    pub market: Vec<PathBuf>,
    /// Daily prices (CSV, also .gz) that returns, betas and day changes come from; repeatable
    #[arg(long, global = true, help_heading = WORLD, value_name = "FILE")]
    pub history: Vec<PathBuf>,
    /// Positions to hold in it (YAML or JSON)
    #[arg(long, global = true, help_heading = WORLD, value_name = "FILE")]
    pub book: Option<PathBuf>,
    /// Day to take from chain files that hold several (default: the last)
    #[arg(long, global = true, help_heading = WORLD, value_name = "DATE")]
    pub day: Option<chrono::NaiveDate>,
    /// Seed of the demo world (default: the store's own, 7 in a new one)
    #[arg(long, global = true, help_heading = WORLD, value_name = "N")]
    pub seed: Option<u64>,
    /// Start the simulated clock at this instant (RFC 3339, or New York time without an offset)
    #[arg(long, global = true, help_heading = WORLD, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Run the simulated clock this many times faster
    #[arg(long, global = true, help_heading = WORLD, value_name = "X", default_value_t = 1.0)]
    pub speed: f64,
    /// Let the simulated broker misbehave: `KIND[@WHERE]:VALUE`, separated by commas; `sim --help` lists them
    #[arg(long, global = true, help_heading = WORLD, value_name = "SPEC")]
    pub fault: Option<FaultSpec>,
}

impl WorldArgs {
    /// A recorded market was asked for.
    pub fn is_recorded(&self) -> bool {
        !self.market.is_empty() || self.book.is_some() || !self.history.is_empty()
    }

    pub fn is_default(&self) -> bool {
        !self.is_recorded() && self.seed.is_none() && self.as_of.is_none()
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the cockpit on the simulated broker, whatever is configured
    Demo,
    /// Serve the simulated broker on a loopback port until SIGTERM
    #[command(after_help = FAULTS_HELP)]
    Sim(SimArgs),
    /// Write a commented configuration and take the broker's credentials
    Init(InitArgs),
    /// Check configuration, store, clock, terminal and broker
    Doctor(JsonArg),
    /// Say how broker, streams and store stand
    Health(JsonArg),
    /// Print the whole screen once
    Snapshot(SnapshotArgs),
    /// Book a WhatIf and print its evaluation; exit 3 when a limit or a gate blocks it
    ///
    /// cotrader book spy ic 45d 16 w5 x1 @medium --rationale "income, IVR 23"
    Book(BookArgs),
    /// List the orders of the day: staged, working, unknown, done, with their fills
    Orders(OrdersArgs),
    /// Show what the broker keeps about your accounts: permissions, transactions, worth, margin, watchlists
    ///
    /// Without a further word: who the credentials belong to, what each account holds and may do.
    Account(AccountArgs),
    /// Look up what the broker lists: shares, contracts, dividends, earnings, expiries with their volatilities
    ///
    /// cotrader lookup SPY · cotrader lookup SPY QQQ IWM · cotrader lookup "SPY   261218C00640000"
    Lookup(LookupArgs),
    /// Stage the order that makes a WhatIf real; nothing is sent, exit 3 when a limit or a gate blocks it
    Promote(PromoteArgs),
    /// Stage the order that closes an open trade; nothing is sent, exit 3 when a limit or a gate blocks it
    Close(CloseArgs),
    /// Stop new orders: raise the kill switch, or reset it
    ///
    /// First puts down a flag file named KILL in the store's folder, which everything that sends orders looks at
    /// right before, and then tells the cockpit that runs. It works while that hangs, and where none runs; `touch
    /// KILL` in that folder does the same.
    ///
    /// safe (the default): no new entries, working orders are cancelled. hard: the same, and flattening what is
    /// open is proposed. Closing orders that only reduce risk still go. It holds through every restart, until it
    /// is reset with a reason.
    Kill(KillArgs),
    /// Record a decision or a note
    Log(LogArgs),
    /// Print recorded events, oldest first
    Events(EventsArgs),
    /// Check every event of the store; exit 5 and the first damaged seq otherwise
    Verify(JsonArg),
    /// Make the projection tables anew from the events
    Rebuild,
    /// Copy the store into FILE and verify the copy
    Backup {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Price options from a CSV file: value and sixteen Greeks of each row
    ///
    /// Reads columns by name, in any order, others ignored: id,type,spot,strike,rate,div,vol,t and style where
    /// wanted, in small or capital letters. type is C or P, call or put; rate and div are continuous per year (0.05 = 5 %); vol is per year (0.20 = 20 %);
    /// t is in years; style is european (the default) or american.
    ///
    /// Writes, in the order of the rows: id,price,delta,gamma,vega,theta,rho,phi,vanna,volga,charm,veta,speed,
    /// zomma,color,ultima,dual_delta,dual_gamma,error. Units are mathematical: per $1 of spot, per 1.00 of vol, per
    /// year of time going forward (theta of most longs is negative), per 1.00 of rate. A row that cannot be priced
    /// has its reason in error and no numbers; the others are priced all the same, and the exit code is 1.
    ///
    /// European values have nearly all digits of a double. American ones are within 1e-8 of the strike; within 2e-8
    /// where the yield lies below a rate below zero (calls: the rate below a yield below zero), as early exercise
    /// is then right between two spots.
    #[command(after_help = "cotrader price --batch options.csv > priced.csv")]
    Price(BatchArgs),
    /// Imply volatilities from a CSV file of option prices
    ///
    /// Reads columns by name, in any order, others ignored: id,type,spot,strike,rate,div,t,price and style where
    /// wanted, as `price` does. Writes, in the order of the rows: id,vol,status. vol is per year (0.20 = 20 %).
    ///
    /// status is ok or the reason why there is no vol: below_intrinsic, at_intrinsic, above_max, at_max, zero_price,
    /// negative_price, expired, not_finite (a number is missing, unreadable, not finite, or not positive where it
    /// must be), out_of_range (discounted beyond all numbers, or an American vol above 20), bad_type, bad_style,
    /// bad_row (more cells than the header names). The exit code is 1 if any row has no vol.
    #[command(after_help = "cotrader iv --batch quotes.csv > vols.csv")]
    Iv(BatchArgs),
    /// Print shell completions
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Clone, Copy, Args)]
pub struct JsonArg {
    /// As one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct BatchArgs {
    /// CSV with a header, from FILE or - for standard input; a million rows need no more memory than a thousand
    #[arg(long, value_name = "FILE|-")]
    pub batch: PathBuf,
}

#[derive(Debug, Args)]
pub struct SimArgs {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Print one JSON line with addresses and secrets
    #[arg(long)]
    pub print_connection: bool,
    /// Take the secrets from FILE, or make them and write them there, readable by you alone; a restart with
    /// the same FILE and --port is the same broker, and its clock goes on
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,
    /// DXLink address to hand out instead of the own one
    #[arg(long, value_name = "URL")]
    pub advertise_dxlink: Option<String>,
    /// Account stream address to hand out instead of the own one
    #[arg(long, value_name = "URL")]
    pub advertise_account_stream: Option<String>,
}

#[derive(Debug, Args)]
pub struct InitArgs {
    /// Write the files without asking for credentials
    #[arg(long)]
    pub no_credentials: bool,
}

#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// Every panel as one JSON document, in full precision
    #[arg(long)]
    pub json: bool,
    /// Print the JSON schema of that document
    #[arg(long, conflicts_with = "json")]
    pub schema: bool,
    /// Columns of the printed screen
    #[arg(long, default_value_t = 160, value_parser = clap::value_parser!(u16).range(20..=500))]
    pub width: u16,
    /// Rows of the printed screen
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(5..=500))]
    pub height: u16,
    /// Seconds to wait for the picture to be complete
    #[arg(long, default_value_t = 10)]
    pub wait: u64,
}

#[derive(Debug, Args)]
pub struct BookArgs {
    /// Underlying, strategy and figures in any order: spy ic 45d 16 w5 x1 @medium
    #[arg(required = true, value_name = "LINE")]
    pub line: Vec<String>,
    /// Why: recorded with the trade, and needed
    #[arg(long, value_name = "TEXT")]
    pub rationale: Option<String>,
    /// Days to expiry; the nearest listed expiry is taken
    #[arg(long, value_name = "DAYS")]
    pub dte: Option<u32>,
    /// Delta of the short strikes in hundredths
    #[arg(long)]
    pub delta: Option<u32>,
    /// Distance of the wings in dollars
    #[arg(long, value_name = "DOLLARS")]
    pub width: Option<rust_decimal::Decimal>,
    /// Number of structures
    #[arg(long)]
    pub lots: Option<u32>,
    /// Portfolio that it is judged against
    #[arg(long, value_name = "NAME")]
    pub portfolio: Option<String>,
    /// The rationale may also stand after two dashes
    #[arg(last = true, value_name = "WHY")]
    pub why: Vec<String>,
    /// The evaluation as one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct OrdersArgs {
    /// As one JSON document: what `snapshot --json` has under `orders`
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AccountArgs {
    #[command(subcommand)]
    pub what: Option<AccountWhat>,
    /// Only the account whose number ends so
    #[arg(long, global = true, value_name = "TAIL")]
    pub account: Option<String>,
    /// As one JSON document
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Clone, Subcommand)]
pub enum AccountWhat {
    /// List trades, deliveries and money, newest first
    Transactions(SinceArg),
    /// Show what the accounts were worth day by day, as the broker reckons it
    NetLiq(SinceArg),
    /// Show what margin the positions need, by underlying and strategy
    Margin,
    /// List your watchlists, or one by its name
    Watchlists {
        /// Name of one list: all its symbols are printed
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// The broker's lists instead of your own
        #[arg(long)]
        public: bool,
    },
}

#[derive(Debug, Clone, Copy, Args)]
pub struct SinceArg {
    /// From this day on (default: thirty days ago)
    #[arg(long, value_name = "DATE")]
    pub since: Option<chrono::NaiveDate>,
}

#[derive(Debug, Args)]
pub struct LookupArgs {
    /// Tickers, or one option contract by its OCC symbol
    #[arg(required = true, value_name = "SYMBOL")]
    pub symbols: Vec<String>,
    /// As one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct StageArgs {
    /// Id of the trade, as `snapshot --json` has it
    #[arg(value_name = "TRADE")]
    pub trade: uuid::Uuid,
    /// Net limit of one unit, a credit positive and a debit negative; without it the limit walks from mid
    #[arg(long, value_name = "PRICE", allow_hyphen_values = true)]
    pub price: Option<rust_decimal::Decimal>,
    /// Why: recorded with the order, and needed
    #[arg(long, value_name = "TEXT")]
    pub rationale: String,
    /// The answer as one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct PromoteArgs {
    #[command(flatten)]
    pub stage: StageArgs,
    /// Send its exits along: the profit of its exit rule and a stop, which begin with its fill (OTOCO)
    #[arg(long)]
    pub with_exits: bool,
}

#[derive(Debug, Args)]
pub struct CloseArgs {
    #[command(flatten)]
    pub stage: StageArgs,
    /// Rest it at the price of its exit rule, good till cancelled
    #[arg(long, conflicts_with = "price")]
    pub rest: bool,
    /// The same with a stop beside it, of which one ends the other (OCO)
    #[arg(long, conflicts_with_all = ["price", "rest"])]
    pub bracket: bool,
}

#[derive(Debug, Args)]
pub struct KillArgs {
    /// Propose flattening everything, too
    #[arg(long, conflicts_with = "reset")]
    pub hard: bool,
    /// Let orders go out again; needs --reason
    #[arg(long, requires = "reason")]
    pub reset: bool,
    /// Why: recorded
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Debug, Args)]
pub struct LogArgs {
    /// Read one JSON object a line from FILE or - and print one event id a line
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["underlying", "strategy", "rationale", "portfolio", "trade", "kind", "key"])]
    pub batch: Option<PathBuf>,
    /// What it is about, such as SPY
    #[arg(long, value_name = "SYMBOL")]
    pub underlying: Option<String>,
    /// Strategy by name, such as iron_condor
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// Why: the text that is kept
    #[arg(long, required_unless_present = "batch", value_name = "TEXT")]
    pub rationale: Option<String>,
    /// Portfolio of the new trade
    #[arg(long, value_name = "NAME")]
    pub portfolio: Option<String>,
    /// Add to this trade instead of opening one
    #[arg(long, value_name = "ID")]
    pub trade: Option<uuid::Uuid>,
    /// decision, note, objective, mandate or outcome
    #[arg(long, default_value = "decision")]
    pub kind: String,
    /// Idempotency key: the same key twice is one event
    #[arg(long)]
    pub key: Option<String>,
}

#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Only what occurred since this instant (RFC 3339, or a date)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only this kind, such as trade.adopted
    #[arg(long)]
    pub kind: Option<String>,
    /// Only this stream, such as trade/ID
    #[arg(long)]
    pub stream: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}
