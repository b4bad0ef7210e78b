//! What can be asked for: `KIND[@WHERE]:VALUE[:VALUE]`, separated by commas.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::http::Endpoint;
use super::stream::Stream;
use crate::domain::Symbol;

/// Items beyond it are a mistake.
const MOST_ITEMS: usize = 64;
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// A halt for a limit that was reached.
const PAUSE: Duration = Duration::from_secs(5 * 60);

/// What `sim --help` says about it. The test below holds it to what is read.
pub const FAULTS_HELP: &str = "\
Faults: --fault KIND[@WHERE]:VALUE[:VALUE],… such as lost-reply@place:0.1,e502:5%,drop-stream:30s
  RATE is a probability (0.1 or 10%), TIME is 250ms, 30s, 2m or 1h.
  The same --seed and the same requests meet the same faults.
  Requests:
    latency:TIME[:RATE]        the answer comes so much later
    eNNN:RATE[:TIME]           status 400 to 599, not carried out; of changes that a 5xx answers,
                               half are; a 429 names TIME (1s) in Retry-After
    lost-reply:RATE            carried out, the connection closed before the answer
    late:RATE[:TIME]           the connection closed at once, a change carried out TIME (5s) of
                               the simulated clock later
    truncated:RATE             carried out, and half an answer
    html:RATE                  carried out, and a web page for an answer
    null:RATE                  carried out, and an answer without data
    empty:RATE                 a read finds nothing
    hostile:RATE               texts, also of stream news, are escape sequences, bidi marks, huge
                               or no UTF-8; now and then an answer is nested without end
  Streams:
    drop-message:RATE          news are lost
    double-message:RATE        news come twice
    reorder-message:RATE       news come after the next ones
    drop-stream:TIME           each connection breaks after TIME
    half-open:TIME[:TIME]      and is silent after TIME, for TIME (1m)
  Market data, clock, tokens, fills:
    halt@SYMBOL:TIME[:TIME]    SYMBOL and its options do not trade after TIME of the simulated clock,
                               for TIME (5m); quotes stand still, orders wait
    nan-quote:RATE  crossed-quote:RATE  stale-quote:TIME[:RATE] (20% stand still for TIME)
    clock-skew:±TIME[:RATE] of the Date header, auth-lost:TIME (all tokens end each TIME)
    partial-fill:RATE  fill-on-cancel:RATE
    leg-out:RATE (one leg of an execution is never traded)
  WHERE, for streams: dxlink, account. For requests:
    token, accounts, balances, positions, transactions, history, margin,
    orders (all of place, dry-run, replace, cancel, look), chains, metrics, quotes, hours,
    quote-token, watchlists, dxlink, account (the openings of streams).
    Without it, every request but those for tokens and the openings of streams.";

/// The faults to inject. Empty: none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultSpec {
    pub(super) items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub fault: Fault,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Anywhere,
    Symbol(Symbol),
    Endpoint(Endpoint),
    Stream(Stream),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    Latency { time: Duration, rate: f64 },
    Status { code: u16, rate: f64, retry_after: Duration },
    LostReply { rate: f64 },
    Late { rate: f64, after: Duration },
    Truncated { rate: f64 },
    Html { rate: f64 },
    Null { rate: f64 },
    Empty { rate: f64 },
    Hostile { rate: f64 },
    DropMessage { rate: f64 },
    DoubleMessage { rate: f64 },
    ReorderMessage { rate: f64 },
    DropStream { after: Duration },
    HalfOpen { after: Duration, length: Duration },
    NanQuote { rate: f64 },
    CrossedQuote { rate: f64 },
    StaleQuote { span: Duration, rate: f64 },
    ClockSkew { by_ms: i64, rate: f64 },
    AuthLost { every: Duration },
    Halt { after: Duration, length: Duration },
    PartialFill { rate: f64 },
    FillOnCancel { rate: f64 },
    LegOut { rate: f64 },
}

/// Why a specification cannot be used, and what can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFaults {
    #[error("{item:?} names no fault: there are {}", KINDS.join(", "))]
    Kind { item: String },
    #[error("{item:?}: {kind} is written {kind}{form}")]
    Values { item: String, kind: String, form: &'static str },
    #[error("{item:?}: a rate is a probability, 0.1 or 10%, not {text:?}")]
    Rate { item: String, text: String },
    #[error("{item:?}: a time is 250ms, 30s, 2m or 1h, above 0 and at most 24h, not {text:?}")]
    Time { item: String, text: String },
    #[error("{item:?}: {kind} can be limited to {allowed}, not to {place:?}")]
    Place { item: String, kind: String, allowed: String, place: String },
    #[error("{count} faults at once; at most {MOST_ITEMS}")]
    TooMany { count: usize },
}

const KINDS: [&str; 23] = [
    "latency",
    "eNNN (e400 to e599)",
    "lost-reply",
    "late",
    "truncated",
    "html",
    "null",
    "empty",
    "hostile",
    "drop-message",
    "double-message",
    "reorder-message",
    "drop-stream",
    "half-open",
    "nan-quote",
    "crossed-quote",
    "stale-quote",
    "clock-skew",
    "auth-lost",
    "halt",
    "partial-fill",
    "fill-on-cancel",
    "leg-out",
];

impl FromStr for FaultSpec {
    type Err = BadFaults;

    fn from_str(text: &str) -> Result<Self, BadFaults> {
        let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        if parts.len() > MOST_ITEMS {
            return Err(BadFaults::TooMany { count: parts.len() });
        }
        let items: Result<Vec<Item>, BadFaults> = parts.into_iter().map(item).collect();
        Ok(Self { items: items? })
    }
}

/// One item while it is read.
struct Words<'a> {
    item: &'a str,
    kind: &'a str,
    values: Vec<&'a str>,
}

impl Words<'_> {
    fn shown(text: &str) -> String {
        crate::domain::text::clean(text, 60)
    }

    fn misshapen(&self, form: &'static str) -> BadFaults {
        BadFaults::Values { item: Self::shown(self.item), kind: self.kind.to_owned(), form }
    }

    fn rate(&self, text: &str) -> Result<f64, BadFaults> {
        let number = match text.strip_suffix('%') {
            Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
            None => text.parse(),
        };
        number
            .ok()
            .filter(|rate| (0.0..=1.0).contains(rate))
            .ok_or_else(|| BadFaults::Rate { item: Self::shown(self.item), text: Self::shown(text) })
    }

    fn time(&self, text: &str) -> Result<Duration, BadFaults> {
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => f64::NAN,
        };
        let time = number.parse::<f64>().ok().map(|n| n * seconds).filter(|s| s.is_finite() && *s >= 0.001);
        time.filter(|s| *s <= LONGEST.as_secs_f64())
            .map(Duration::from_secs_f64)
            .ok_or_else(|| BadFaults::Time { item: Self::shown(self.item), text: Self::shown(text) })
    }

    fn one_rate(&self) -> Result<f64, BadFaults> {
        match self.values[..] {
            [rate] => self.rate(rate),
            _ => Err(self.misshapen(":RATE")),
        }
    }

    /// After how long, and for how long.
    fn after_and_length(&self, default: Duration) -> Result<(Duration, Duration), BadFaults> {
        match self.values[..] {
            [after] => Ok((self.time(after)?, default)),
            [after, length] => Ok((self.time(after)?, self.time(length)?)),
            _ => Err(self.misshapen(":TIME[:TIME]")),
        }
    }

    fn rate_and_time(&self, default: Duration) -> Result<(f64, Duration), BadFaults> {
        match self.values[..] {
            [rate] => Ok((self.rate(rate)?, default)),
            [rate, time] => Ok((self.rate(rate)?, self.time(time)?)),
            _ => Err(self.misshapen(":RATE[:TIME]")),
        }
    }

    fn time_and_rate(&self, default: f64) -> Result<(Duration, f64), BadFaults> {
        match self.values[..] {
            [time] => Ok((self.time(time)?, default)),
            [time, rate] => Ok((self.time(time)?, self.rate(rate)?)),
            _ => Err(self.misshapen(":TIME[:RATE]")),
        }
    }

    fn one_time(&self) -> Result<Duration, BadFaults> {
        match self.values[..] {
            [time] => self.time(time),
            _ => Err(self.misshapen(":TIME")),
        }
    }

    fn skew(&self) -> Result<(i64, f64), BadFaults> {
        let form = ":±TIME[:RATE]";
        let (time, rate) = match self.values[..] {
            [time] => (time, 1.0),
            [time, rate] => (time, self.rate(rate)?),
            _ => return Err(self.misshapen(form)),
        };
        let (sign, time) = match time.strip_prefix('-') {
            Some(time) => (-1, time),
            None => (1, time.strip_prefix('+').unwrap_or(time)),
        };
        // A day at most.
        let by = i64::try_from(self.time(time)?.as_millis()).unwrap_or(i64::MAX);
        Ok((sign * by, rate))
    }
}

/// Where a kind can happen.
#[derive(PartialEq)]
enum Reach {
    Requests,
    Streams,
    Both,
    Everywhere,
    Symbols,
}

fn item(text: &str) -> Result<Item, BadFaults> {
    let (head, values) = match text.split_once(':') {
        Some((head, values)) => (head, values.split(':').map(str::trim).collect()),
        None => (text, Vec::new()),
    };
    let (kind, place) = match head.split_once('@') {
        Some((kind, place)) => (kind.trim(), Some(place.trim())),
        None => (head.trim(), None),
    };
    let words = Words { item: text, kind, values };
    let (fault, reach) = fault(&words)?;
    let place = match place {
        None if reach == Reach::Symbols => return Err(words.misshapen("@SYMBOL:TIME[:TIME]")),
        None => Place::Anywhere,
        Some(name) => place_of(&words, reach, name)?,
    };
    Ok(Item { fault, place })
}

fn fault(words: &Words<'_>) -> Result<(Fault, Reach), BadFaults> {
    use Reach::{Both, Everywhere, Requests, Streams, Symbols};
    let status = words.kind.strip_prefix('e').and_then(|code| code.parse::<u16>().ok());
    if let Some(code) = status.filter(|code| (400..600).contains(code)) {
        let (rate, retry_after) = words.rate_and_time(Duration::from_secs(1))?;
        return Ok((Fault::Status { code, rate, retry_after }, Requests));
    }
    Ok(match words.kind {
        "latency" => {
            let (time, rate) = words.time_and_rate(1.0)?;
            (Fault::Latency { time, rate }, Requests)
        }
        "lost-reply" => (Fault::LostReply { rate: words.one_rate()? }, Requests),
        "late" => {
            let (rate, after) = words.rate_and_time(Duration::from_secs(5))?;
            (Fault::Late { rate, after }, Requests)
        }
        "truncated" => (Fault::Truncated { rate: words.one_rate()? }, Requests),
        "html" => (Fault::Html { rate: words.one_rate()? }, Requests),
        "null" => (Fault::Null { rate: words.one_rate()? }, Requests),
        "empty" => (Fault::Empty { rate: words.one_rate()? }, Requests),
        "hostile" => (Fault::Hostile { rate: words.one_rate()? }, Both),
        "drop-message" => (Fault::DropMessage { rate: words.one_rate()? }, Streams),
        "double-message" => (Fault::DoubleMessage { rate: words.one_rate()? }, Streams),
        "reorder-message" => (Fault::ReorderMessage { rate: words.one_rate()? }, Streams),
        "drop-stream" => (Fault::DropStream { after: words.one_time()? }, Streams),
        "half-open" => {
            let (after, length) = words.after_and_length(Duration::from_secs(60))?;
            (Fault::HalfOpen { after, length }, Streams)
        }
        "halt" => {
            let (after, length) = words.after_and_length(PAUSE)?;
            (Fault::Halt { after, length }, Symbols)
        }
        "nan-quote" => (Fault::NanQuote { rate: words.one_rate()? }, Everywhere),
        "crossed-quote" => (Fault::CrossedQuote { rate: words.one_rate()? }, Everywhere),
        "stale-quote" => {
            let (span, rate) = words.time_and_rate(0.2)?;
            (Fault::StaleQuote { span, rate }, Everywhere)
        }
        "clock-skew" => {
            let (by_ms, rate) = words.skew()?;
            (Fault::ClockSkew { by_ms, rate }, Everywhere)
        }
        "auth-lost" => (Fault::AuthLost { every: words.one_time()? }, Everywhere),
        "partial-fill" => (Fault::PartialFill { rate: words.one_rate()? }, Everywhere),
        "leg-out" => (Fault::LegOut { rate: words.one_rate()? }, Everywhere),
        "fill-on-cancel" => (Fault::FillOnCancel { rate: words.one_rate()? }, Everywhere),
        _ => return Err(BadFaults::Kind { item: Words::shown(words.item) }),
    })
}

fn place_of(words: &Words<'_>, reach: Reach, name: &str) -> Result<Place, BadFaults> {
    let found = match reach {
        Reach::Requests => Endpoint::of_name(name).map(Place::Endpoint),
        Reach::Streams => Stream::of_name(name).map(Place::Stream),
        Reach::Both => {
            Stream::of_name(name).map(Place::Stream).or_else(|| Endpoint::of_name(name).map(Place::Endpoint))
        }
        Reach::Everywhere => None,
        Reach::Symbols => Symbol::new(name).ok().map(Place::Symbol),
    };
    found.ok_or_else(|| BadFaults::Place {
        item: Words::shown(words.item),
        kind: words.kind.to_owned(),
        allowed: match reach {
            Reach::Requests | Reach::Both => Endpoint::ALL.map(Endpoint::name).join(", "),
            Reach::Streams => Stream::ALL.map(Stream::name).join(" or "),
            Reach::Everywhere => "nothing: it stands alone".to_owned(),
            Reach::Symbols => "a symbol such as SPY".to_owned(),
        },
        place: Words::shown(name),
    })
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anywhere => Ok(()),
            Self::Endpoint(endpoint) => write!(f, "@{}", endpoint.name()),
            Self::Stream(stream) => write!(f, "@{}", stream.name()),
            Self::Symbol(symbol) => write!(f, "@{symbol}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FaultSpec, BadFaults> {
        text.parse()
    }

    #[test]
    fn every_kind_and_every_place_reads() {
        let text = "latency:250ms:0.5, e502@orders:0.3,e429:10%:2s,lost-reply@place:0.1,late:0.1:7s,truncated:1,\
                    html:0,null:0.2,empty@positions:0.1,drop-message:0.1,double-message@account:0.1,\
                    reorder-message@dxlink:0.1,drop-stream:30s,half-open:1m:20s,nan-quote:0.1,crossed-quote:0.1,\
                    stale-quote:30s,clock-skew:-40s:0.5,auth-lost:1h,partial-fill:0.5,fill-on-cancel:0.5,\
                    hostile@account:0.1,hostile@quotes:0.1,halt@SPY:30s:10m,halt@BRK/B:1ms,leg-out:0.1";
        let spec = read(text).expect("all of it");
        assert_eq!(spec.items.len(), 26);
        let first = Item {
            fault: Fault::Latency { time: Duration::from_millis(250), rate: 0.5 },
            place: Place::Anywhere,
        };
        assert_eq!(spec.items[0], first);
        assert_eq!(spec.items[1].place.to_string(), "@orders");
        let skew = Fault::ClockSkew { by_ms: -40_000, rate: 0.5 };
        assert_eq!(spec.items[17].fault, skew);
        for endpoint in Endpoint::ALL {
            assert!(read(&format!("html@{}:0.1", endpoint.name())).is_ok());
        }
        assert!(read("").expect("nothing").is_empty());
    }

    #[test]
    fn what_cannot_be_read_says_what_can() {
        for (text, says) in [
            ("flood:0.1", "there are latency"),
            ("e399:0.1", "e400 to e599"),
            ("lost-reply", "lost-reply:RATE"),
            ("lost-reply:2", "a rate is a probability"),
            ("lost-reply:NaN", "a rate is a probability"),
            ("lost-reply:10s", "a rate is a probability"),
            ("drop-stream:0.5", "a time is 250ms"),
            ("drop-stream:0s", "above 0"),
            ("drop-stream:25h", "at most 24h"),
            ("e502@nowhere:0.1", "place, dry-run"),
            ("drop-stream@place:1s", "dxlink or account"),
            ("nan-quote@quotes:0.1", "stands alone"),
            ("half-open:1s:2s:3s", "half-open:TIME[:TIME]"),
            ("clock-skew:--4s", "a time is"),
            ("halt:30s", "halt@SYMBOL:TIME[:TIME]"),
            ("halt@spy!:30s", "a symbol such as SPY"),
            ("halt@SPY:0.5", "a time is 250ms"),
            ("\u{1b}[31m:0.1", "names no fault"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
            assert!(!error.contains('\u{1b}'));
        }
        let many = vec!["html:0.1"; MOST_ITEMS + 1].join(",");
        assert_eq!(read(&many), Err(BadFaults::TooMany { count: MOST_ITEMS + 1 }));
    }

    #[test]
    fn the_help_names_all_there_is() {
        for kind in KINDS {
            let word = kind.split(' ').next().expect("a word");
            assert!(FAULTS_HELP.contains(word), "{word}");
        }
        for name in Endpoint::ALL.map(Endpoint::name) {
            assert!(FAULTS_HELP.contains(name), "{name}");
        }
    }
}
