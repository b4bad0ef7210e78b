//! `health`: how the running cockpit stands, or the store alone when none runs.

use std::time::Duration;

use serde_json::json;

use crate::cli::args::JsonArg;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::domain::control::KillMode;
use crate::runtime::kill_flag::KillFlag;
use crate::runtime::shell;
use crate::snapshot::Snapshot;
use crate::snapshot::header::{LinkKind, LinkView};
use crate::store::{self, Access, Store, StoreError};

/// A cockpit that takes longer than this to answer is not healthy.
const PATIENCE: Duration = Duration::from_secs(5);

pub async fn run(setting: Setting, args: JsonArg) -> Result<Exit, Trouble> {
    let store = StoreState::of(&setting);
    let cockpit = match tokio::time::timeout(PATIENCE, shell::running_snapshot(&setting.store)).await {
        Ok(answer) => answer.map(|said| said.map_err(|error| error.to_string())),
        Err(_) => Some(Err(format!("it did not answer in {} s", PATIENCE.as_secs()))),
    };
    let holder = store::holder(&setting.store);
    let kill = KillState::of(&setting, cockpit.as_ref().and_then(|said| said.as_deref().ok()));
    let health = judge(&store, cockpit.as_ref().map(|said| said.as_deref().map_err(String::as_str)));
    if args.json {
        let document = json!({
            "healthy": health.is_ok(),
            "problem": health.as_ref().err().map(|(_, what, _)| what),
            "remedy": health.as_ref().err().map(|(_, _, remedy)| remedy),
            "cockpit": match &cockpit {
                Some(Ok(snapshot)) => cockpit_json(snapshot, holder.as_ref().map(|holder| holder.pid)),
                Some(Err(why)) => json!({ "running": true, "answers": false, "why": why }),
                None => json!({ "running": false }),
            },
            "broker": cockpit.as_ref().and_then(|said| said.as_ref().ok()).map(|s| broker_json(s)),
            "streams": cockpit.as_ref().and_then(|said| said.as_ref().ok()).map(|s| streams_json(s)),
            "kill": kill.json(),
            "store": store.json(&setting),
        });
        super::print_json(&document)?;
    } else {
        let mut text = String::new();
        match &cockpit {
            Some(Ok(snapshot)) => {
                let pid = holder.map_or(String::new(), |holder| format!(" (process {})", holder.pid));
                text.push_str(&format!("cockpit  runs{pid}, {}\n", snapshot.mode.badge()));
                text.push_str(&cockpit_lines(snapshot));
            }
            Some(Err(why)) => text.push_str(&format!("cockpit  does not answer: {why}\n")),
            None => text.push_str("cockpit  none runs on this store\n"),
        }
        text.push_str(&format!("kill     {}\n", kill.words()));
        text.push_str(&format!("store    {}\n", store.words(&setting)));
        super::print(&text)?;
    }
    match health {
        Ok(()) => Ok(Exit::Ok),
        Err((exit, what, remedy)) => Err(Trouble::new(exit, what).with_remedy(remedy)),
    }
}

type Problem<'a> = (Exit, String, &'a str);

fn judge<'a>(store: &StoreState, cockpit: Option<Result<&'a Snapshot, &str>>) -> Result<(), Problem<'a>> {
    match store {
        StoreState::Damaged(what) => {
            let remedy =
                "run `cotrader verify`, keep the folder as it is, restore a backup into an empty one";
            return Err((Exit::StoreDamaged, format!("the store is damaged: {what}"), remedy));
        }
        StoreState::Unreadable(why) => {
            return Err((Exit::Failed, why.clone(), "run `cotrader doctor`"));
        }
        StoreState::Missing => {
            return Err((
                Exit::Failed,
                "there is no store yet".to_owned(),
                "start `cotrader` once, or point --store at one",
            ));
        }
        StoreState::Sound { .. } => {}
    }
    let snapshot = match cockpit {
        None => return Ok(()),
        Some(Err(why)) => {
            let what = format!("the cockpit does not answer: {why}");
            return Err((Exit::Failed, what, "look at its terminal; end it if it hangs: nothing is lost"));
        }
        Some(Ok(snapshot)) => snapshot,
    };
    let link = &snapshot.header.link;
    let why = || link.why.clone().unwrap_or_else(|| "no reason was given".to_owned());
    match link.kind {
        LinkKind::Down => Err((Exit::BrokerUnreachable, format!("the broker is down: {}", why()), RETRY)),
        LinkKind::Quiet => Err((Exit::BrokerUnreachable, "the broker does not answer".to_owned(), RETRY)),
        LinkKind::Refused => Err((
            Exit::BrokerUnreachable,
            format!("the broker refuses the connection: {}", why()),
            "check the credentials with `cotrader doctor`",
        )),
        // Between two attempts, or at the start: either way there is no broker now.
        LinkKind::Connecting => {
            Err((Exit::BrokerUnreachable, "the broker is not connected yet".to_owned(), RETRY))
        }
        LinkKind::Live | LinkKind::Snapshot => match &snapshot.header.read_only {
            Some(why) => {
                let remedy = snapshot.header.read_only_remedy.as_deref().unwrap_or_default();
                Err((Exit::Failed, format!("nothing can be recorded: {why}"), remedy))
            }
            None if snapshot.header.unknown > 0 => {
                let many = snapshot.header.unknown;
                let what = format!("of {many} orders nobody knows whether the broker has them");
                Err((
                    Exit::Failed,
                    what,
                    "`cotrader orders` lists them; they are looked for, never sent again",
                ))
            }
            None => Ok(()),
        },
    }
}

const RETRY: &str = "`r` in the cockpit tries at once";

/// The kill switch: the cockpit's word, and the flag file's, which stands as long as the switch is up.
struct KillState {
    mode: Option<KillMode>,
    why: Option<String>,
    flag: bool,
}

impl KillState {
    fn of(setting: &Setting, snapshot: Option<&Snapshot>) -> Self {
        let flag = KillFlag::of(&setting.store).seen();
        let up = flag.is_some();
        let shown = snapshot.map(|snapshot| &snapshot.header.safety);
        let mode = shown.and_then(|safety| safety.kill).max(flag.as_ref().map(|flag| flag.mode));
        let why = shown.and_then(|safety| safety.kill_why.clone()).or_else(|| flag.map(|flag| flag.why));
        Self { mode, why, flag: up }
    }

    fn words(&self) -> String {
        let Some(mode) = self.mode else { return "off".to_owned() };
        let why = self.why.as_deref().unwrap_or("no reason given");
        format!("{}: {why}; `cotrader kill --reset --reason …` lifts it", mode.word().to_uppercase())
    }

    fn json(&self) -> serde_json::Value {
        json!({ "mode": self.mode, "why": self.why, "flag": self.flag })
    }
}

/// What opening it for reading finds.
enum StoreState {
    Sound { events: u64 },
    Missing,
    Damaged(String),
    Unreadable(String),
}

impl StoreState {
    fn of(setting: &Setting) -> Self {
        match Store::open(&setting.store, Access::ReadOnly) {
            Ok(opened) => match opened.damage {
                Some(damage) => Self::Damaged(damage.to_string()),
                None => Self::Sound { events: opened.events },
            },
            Err(StoreError::Missing { .. }) => Self::Missing,
            Err(error) if error.is_damage() => Self::Damaged(error.to_string()),
            Err(error) => Self::Unreadable(error.to_string()),
        }
    }

    fn words(&self, setting: &Setting) -> String {
        let dir = setting.store.display();
        match self {
            Self::Sound { events } => format!("sound, {events} events in {dir}"),
            Self::Missing => format!("none yet in {dir}"),
            Self::Damaged(what) => format!("DAMAGED: {what} in {dir}"),
            Self::Unreadable(why) => why.clone(),
        }
    }

    fn json(&self, setting: &Setting) -> serde_json::Value {
        let (state, events, why) = match self {
            Self::Sound { events } => ("sound", Some(*events), None),
            Self::Missing => ("missing", None, None),
            Self::Damaged(what) => ("damaged", None, Some(what)),
            Self::Unreadable(why) => ("unreadable", None, Some(why)),
        };
        json!({ "dir": setting.store, "state": state, "events": events, "why": why })
    }
}

fn cockpit_lines(snapshot: &Snapshot) -> String {
    let link = link_words(&snapshot.header.link);
    let refreshed = snapshot
        .freshness
        .last_refresh
        .map_or("never".to_owned(), |at| format!("{} s ago", (snapshot.as_of - at).num_seconds().max(0)));
    let account = if snapshot.header.link.account_stream_up { "up" } else { "down" };
    let fresh = &snapshot.freshness;
    let oldest = fresh.oldest_quote_seconds.map_or(String::new(), |age| format!(", oldest quote {age} s"));
    let mut text = format!(
        "broker   {link}, last full read {refreshed}\n\
         streams  market {link}, account {account}; {} live, {} stale, {} unpriced{oldest}\n",
        fresh.live_instruments, fresh.stale_instruments, fresh.unpriced_instruments
    );
    if let Some(why) = &snapshot.header.read_only {
        text.push_str(&format!("read-only: {why}\n"));
    }
    text
}

fn link_words(link: &LinkView) -> String {
    let age = link.age_seconds.map_or(String::new(), |age| format!(" {age:.1} s"));
    let word = match link.kind {
        LinkKind::Live => "live",
        LinkKind::Snapshot => "snapshot, streaming is off,",
        LinkKind::Connecting => "connecting",
        LinkKind::Quiet => "QUIET",
        LinkKind::Down => "DOWN",
        LinkKind::Refused => "REFUSED",
    };
    let why = link.why.as_ref().map_or(String::new(), |why| format!(" ({why})"));
    format!("{word}{age}{why}")
}

fn cockpit_json(snapshot: &Snapshot, pid: Option<u32>) -> serde_json::Value {
    json!({
        "running": true,
        "answers": true,
        "pid": pid,
        "mode": snapshot.mode,
        "as_of": snapshot.as_of,
        "read_only": snapshot.header.read_only,
        "breaches": snapshot.header.breaches,
        "to_do": snapshot.header.to_do,
    })
}

fn broker_json(snapshot: &Snapshot) -> serde_json::Value {
    let link = &snapshot.header.link;
    json!({
        "reachable": matches!(link.kind, LinkKind::Live | LinkKind::Snapshot),
        "why": link.why,
        "last_refresh": snapshot.freshness.last_refresh,
    })
}

fn streams_json(snapshot: &Snapshot) -> serde_json::Value {
    let (link, fresh) = (&snapshot.header.link, &snapshot.freshness);
    json!({
        "market": { "state": link.kind, "age_seconds": link.age_seconds, "on": snapshot.header.streaming },
        "account": { "up": link.account_stream_up },
        "live_instruments": fresh.live_instruments,
        "stale_instruments": fresh.stale_instruments,
        "unpriced_instruments": fresh.unpriced_instruments,
        "oldest_quote_seconds": fresh.oldest_quote_seconds,
    })
}
