use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use super::*;
use crate::domain::{AccountKind, Money, Strategy};

mod broker;

fn fixtures(kind: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config").join(kind);
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    assert!(folders.len() > 5, "the corpus {kind} is gone");
    folders
}

fn no_env() -> Env {
    Env::default()
}

fn env(pairs: &[(&str, &str)]) -> Env {
    pairs.iter().copied().collect()
}

fn with_credentials(more: &[(&str, &str)]) -> Env {
    [("TT_CLIENT_SECRET", "canary-secret"), ("TT_REFRESH_TOKEN", "canary-token")]
        .into_iter()
        .chain(more.iter().copied())
        .collect()
}

#[test]
fn every_valid_folder_loads() {
    for folder in fixtures("valid") {
        if let Err(error) = Config::load(Some(&folder), &with_credentials(&[])) {
            panic!("{}: {error}", folder.display());
        }
    }
}

#[test]
fn every_invalid_folder_is_refused_with_its_message() {
    for folder in fixtures("invalid") {
        let error = Config::load(Some(&folder), &with_credentials(&[])).unwrap_err();
        let said = error.to_string().replace(&format!("{}/", folder.display()), "");
        let expected = std::fs::read_to_string(folder.join("expected.txt")).unwrap_or_default();
        assert_eq!(said, expected.trim_end(), "{}", folder.display());
        assert!(!said.contains("canary"), "{said}");
    }
}

#[test]
fn without_any_file_the_built_in_portfolios_hold() {
    let config = Config::load(None, &no_env()).unwrap();
    let keys: Vec<&str> = config.portfolios.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(keys, ["core", "medium", "high", "model"]);
    let permitted: Vec<usize> = config.portfolios.iter().map(|p| p.permitted.len()).collect();
    assert_eq!(permitted, [5, 10, 10, 17]);
    let capital: Vec<String> = config.portfolios.iter().map(|p| p.capital.to_string()).collect();
    assert_eq!(capital, ["200000", "20000", "10000", "25000"]);
    let limits: Vec<String> = config
        .portfolios
        .iter()
        .map(|p| format!("{} {}", p.limits.beta_delta.unwrap(), p.limits.var95.unwrap()))
        .collect();
    assert_eq!(limits, ["1.2 0.03", "0.75 0.03", "1 0.05", "1 0.05"]);
    let rest: Vec<(&str, Money)> =
        config.unallocated.iter().map(|u| (u.account_key.as_str(), u.amount)).collect();
    assert_eq!(rest, [("personal", Money(20_000.into())), ("ira", Money(0.into()))]);
    let core = &config.portfolios[0];
    assert!(core.permitted.contains(&Strategy::CoveredCall));
    assert!(!core.permitted.contains(&Strategy::IronCondor));
    assert!(config.portfolios[2].permitted.contains(&Strategy::IronCondor));
    assert!(!config.portfolios[3].permitted.contains(&Strategy::Custom));
    let model = &config.portfolios[3];
    assert!(model.hypothetical && model.warn_only && model.account_key.is_none());
    assert_eq!(config.accounts[1].kind, AccountKind::Ira);
    assert_eq!(config.broker.environment, Environment::Demo);
    assert!(config.sources.iter().all(|source| source.file.is_none()));
}

#[test]
fn a_file_that_says_little_keeps_the_rest_of_the_built_in_values() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cotrader.yaml"), "market:\n  live_data: {link_age_seconds: 7.5}\n")
        .unwrap();
    let config = Config::load(Some(folder.path()), &no_env()).unwrap();
    assert_eq!(config.market.live_data.link_age.as_millis(), 7500);
    assert_eq!(config.market.live_data.quote_age.as_secs(), 15);
    assert_eq!(config.market.benchmark.as_str(), "SPY");
    assert_eq!(config.portfolios.len(), 4);
}

#[test]
fn the_folder_is_searched_in_order() {
    let [named, variable, home] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let xdg = home.path().join(".config/cotrader");
    std::fs::create_dir_all(&xdg).unwrap();
    for (folder, frames) in [(named.path(), 1), (variable.path(), 2), (xdg.as_path(), 3)] {
        let text = format!("screen: {{frames_per_second: {frames}}}\n");
        std::fs::write(folder.join("cotrader.yaml"), text).unwrap();
    }
    let at_home = env(&[("HOME", home.path().to_str().unwrap())]);
    let both = env(&[
        ("HOME", home.path().to_str().unwrap()),
        ("COTRADER_CONFIG", variable.path().to_str().unwrap()),
    ]);
    let frames = |folder, env: &Env| Config::load(folder, env).unwrap().screen.frames_per_second;
    assert_eq!(frames(Some(named.path()), &both), 1);
    assert_eq!(frames(None, &both), 2);
    assert_eq!(frames(None, &at_home), 3);
    let config = Config::load(None, &both).unwrap();
    assert_eq!(config.sources[0].file, Some(variable.path().join("cotrader.yaml")));
    assert_eq!(config.sources[1].file, None);
    let nowhere = home.path().join("nowhere");
    assert_eq!(*Config::load(Some(&nowhere), &both).unwrap_err().fault, Fault::NoFolder);
}

#[test]
fn a_file_beyond_a_mebibyte_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cotrader.yaml"), vec![b'#'; 1024 * 1024 + 1]).unwrap();
    let error = Config::load(Some(folder.path()), &no_env()).unwrap_err();
    assert_eq!(*error.fault, Fault::TooLarge { bytes: 1024 * 1024 + 1, most: 1024 * 1024 });
}

#[cfg(unix)]
#[test]
fn an_env_file_is_read_only_when_nobody_else_can() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    std::fs::write(&path, "# mine\nTT_CLIENT_SECRET=canary-a\nTT_REFRESH_TOKEN='canary-b'\n").unwrap();
    for mode in [0o640, 0o604, 0o644] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = Config::load(Some(folder.path()), &no_env()).unwrap_err();
        assert_eq!(*error.fault, Fault::EnvFileOpen { mode, path: path.clone() });
        assert!(error.to_string().ends_with(&format!("chmod 600 {}", path.display())), "{error}");
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = Config::load(Some(folder.path()), &no_env()).unwrap();
    let refresh_token = |config: &Config| match config.broker.credentials.as_ref().unwrap() {
        Credentials::Tastytrade { refresh_token, .. } => refresh_token.expose_secret().to_owned(),
        Credentials::Tradier { .. } => panic!("another broker's"),
    };
    assert_eq!(refresh_token(&config), "canary-b");
    assert!(!format!("{config:?}").contains("canary"));
    assert_eq!(config.sources[2].file, Some(path));
    // The environment goes before the file.
    let config = Config::load(Some(folder.path()), &env(&[("TT_REFRESH_TOKEN", "canary-c")])).unwrap();
    assert_eq!(refresh_token(&config), "canary-c");
}

#[cfg(unix)]
#[test]
fn a_broken_env_file_is_named_by_line_without_its_content() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    std::fs::write(&path, "TT_CLIENT_SECRET=canary-a\nTT_REFRESH_TOKEN canary-b\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let error = Config::load(Some(folder.path()), &no_env()).unwrap_err();
    assert_eq!(*error.fault, Fault::EnvFileSyntax { line: 2 });
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn init_writes_what_loads_to_the_built_in_values_and_overwrites_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/cotrader");
    let written = Config::write_default(&folder).unwrap();
    assert_eq!((written.created.len(), written.kept.len()), (3, 0));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(".env"))), (0o700, 0o600));
    }
    let config = Config::load(Some(&folder), &no_env()).unwrap();
    let built_in = Config::load(None, &no_env()).unwrap();
    assert_eq!(config.portfolios, built_in.portfolios);
    assert_eq!(config.market, built_in.market);
    assert_eq!(config.broker.environment, Environment::Demo);
    std::fs::write(folder.join("cotrader.yaml"), "# mine\n").unwrap();
    let written = Config::write_default(&folder).unwrap();
    assert_eq!((written.created.len(), written.kept.len()), (0, 3));
    assert_eq!(std::fs::read_to_string(folder.join("cotrader.yaml")).unwrap(), "# mine\n");
}

#[test]
fn no_color_means_mono() {
    assert_eq!(Config::load(None, &env(&[("NO_COLOR", "1")])).unwrap().screen.theme, Theme::Mono);
    assert_eq!(Config::load(None, &env(&[("NO_COLOR", "")])).unwrap().screen.theme, Theme::Dark);
}

/// The dates in the default file, against the recorded calendars where they are at hand: from our first date to
/// their last, nothing is missing on either side.
#[expect(clippy::print_stderr, reason = "a test that could not run must say so")]
#[test]
fn the_default_event_dates_agree_with_recorded_calendars() {
    let config = Config::load(None, &no_env()).unwrap().calendar;
    let compare = |name: &str, ours: &DatedEvents, field: usize, of: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/calendars").join(name);
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: {} is not here", path.display());
            return 0;
        };
        let recorded: Vec<&str> =
            text.lines()
                .skip(1)
                .map(|line| line.split(',').collect::<Vec<_>>())
                .filter(|fields| of.is_empty() || fields[field] == of)
                .map(|fields| fields[0])
                // The Board's calendar of 2026 has 28 and 29 April; the recorded file has a week later.
                .map(|date| {
                    if (name, date) == ("fomc_decision_dates.csv", "2026-05-06") {
                        "2026-04-29"
                    } else {
                        date
                    }
                })
                .collect();
        let last = *recorded.last().unwrap();
        let first = ours.dates[0].to_string();
        let ours: Vec<String> = ours.dates.iter().map(ToString::to_string).collect();
        let ours: Vec<&str> = ours.iter().map(String::as_str).filter(|date| *date <= last).collect();
        let theirs: Vec<&str> = recorded.into_iter().filter(|date| *date >= first.as_str()).collect();
        assert_eq!(ours, theirs, "{name} {of}");
        ours.len()
    };
    let fomc = compare("fomc_decision_dates.csv", &config.fomc, 0, "");
    let cpi = compare("cpi_release_dates.csv", &config.cpi, 0, "");
    let earnings: usize = config
        .earnings
        .iter()
        .map(|(symbol, dated)| compare("megacap_earnings.csv", dated, 1, symbol.as_str()))
        .sum();
    assert!([(32, 42, 19), (0, 0, 0)].contains(&(fomc, cpi, earnings)), "{fomc} {cpi} {earnings}");
}

#[test]
fn sessions_can_be_added_to_the_calendar() {
    let of = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cotrader.yaml"), text).unwrap();
        Config::load(Some(folder.path()), &no_env()).map(|config| config.calendar)
    };
    let dates = of("calendar: {closed: [2029-01-10], early_closes: [2029-01-11, 2029-01-12]}\n").unwrap();
    assert_eq!(dates.closed, ["2029-01-10".parse().unwrap()]);
    assert_eq!(dates.early_closes.len(), 2);
    assert!(!dates.fomc.dates.is_empty(), "the rest keeps its built-in value");
    assert!(Config::load(None, &no_env()).unwrap().calendar.closed.is_empty());
    let error = of("calendar:\n  early_closes: [2029-01-12, 2029-01-12]\n").unwrap_err();
    assert_eq!(*error.fault, Fault::NotAscending { key: "early_closes" });
    assert!(of("calendar: {closed: [2029-02-30]}\n").is_err());
}

#[test]
fn dividends_that_the_trader_knows() {
    let of = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cotrader.yaml"), text).unwrap();
        Config::load(Some(folder.path()), &no_env()).map(|config| config.market.dividends)
    };
    let list = of(
        "market:\n  dividends:\n    SPY: [{ex: 2026-12-18, amount: 1.97, estimated: true}]\n    GLD: []\n",
    );
    let list = list.unwrap();
    assert_eq!((list[0].0.as_str(), list[0].1[0].amount, list[0].1[0].estimated), ("SPY", 1.97, true));
    assert!(list[1].1.is_empty());
    let twice = "market: {dividends: {SPY: [{ex: 2026-12-18, amount: 1}, {ex: 2026-12-18, amount: 2}]}}\n";
    assert_eq!(*of(twice).unwrap_err().fault, Fault::NotAscending { key: "ex" });
    for wrong in ["amount: -1", "amount: x", "amount: 1, paid: 2", "estimated: true"] {
        assert!(
            of(&format!("market: {{dividends: {{SPY: [{{ex: 2026-12-18, {wrong}}}]}}}}\n")).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn nesting_without_end_is_an_error_and_not_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("portfolios.yaml"), "[".repeat(200_000)).unwrap();
    let error = Config::load(Some(folder.path()), &no_env()).unwrap_err();
    assert!(matches!(*error.fault, Fault::Yaml(_)), "{error}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
    /// Whatever a slip of the editor does to the default files: they load, or the error has a place to look at.
    #[test]
    fn a_damaged_file_never_panics(
        at in 0.0..1.0f64,
        cut in 0usize..40,
        put in "[ a-z0-9:%#\\[\\]{}\"'\\-\\n\tä…]{0,12}",
        first in proptest::bool::ANY,
    ) {
        let (name, text) = if first {
            ("cotrader.yaml", defaults::COTRADER)
        } else {
            ("portfolios.yaml", defaults::PORTFOLIOS)
        };
        let chars: Vec<char> = text.chars().collect();
        let from = (at * chars.len() as f64) as usize;
        let damaged: String = chars[..from]
            .iter()
            .copied()
            .chain(put.chars())
            .chain(chars[(from + cut).min(chars.len())..].iter().copied())
            .collect();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), damaged).unwrap();
        if let Err(error) = Config::load(Some(folder.path()), &with_credentials(&[])) {
            let said = error.to_string();
            proptest::prop_assert!(said.contains(name) && said.contains("; "), "{}", said);
        }
    }
}

fn with_cotrader(yaml: &str, env: &Env) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("cotrader.yaml"), yaml).unwrap();
    Config::load(Some(dir.path()), env)
}

#[test]
fn only_the_plain_word_true_opens_real_trading() {
    let env = with_credentials(&[("COTRADER_LIVE", "1")]);
    let of = |typed: &str| with_cotrader(&format!("orders:\n  live_trading: {typed}\n"), &env);
    assert!(of("true").unwrap().orders.live.is_some());
    assert!(of("true   # yes").unwrap().orders.live.is_some());
    assert!(of("false").unwrap().orders.live.is_none());
    for typed in ["True", "TRUE", "yes", "on", "1", "'true'", "\"true\"", "\"1\"", "truee", "~x"] {
        let error = of(typed).expect_err(typed).to_string();
        assert!(error.contains("live_trading: true"), "{typed}: {error}");
    }
    let inline = with_cotrader("orders: {live_trading: true}\n", &env).unwrap_err().to_string();
    assert!(inline.contains("on a line of its own"), "{inline}");
}

#[test]
fn one_yes_alone_is_none_and_is_said() {
    let yes = "orders:\n  live_trading: true\n";
    let without = with_cotrader(yes, &with_credentials(&[("COTRADER_LIVE", "yes")])).unwrap();
    assert!(without.orders.live.is_none());
    assert!(without.notes.iter().any(|note| note.contains("COTRADER_LIVE is not 1")), "{:?}", without.notes);
    let unsaid = with_cotrader("", &with_credentials(&[("COTRADER_LIVE", "1")])).unwrap();
    assert!(unsaid.orders.live.is_none());
    assert!(unsaid.notes.iter().any(|note| note.contains("live_trading is not true")), "{:?}", unsaid.notes);
    let both = with_cotrader(yes, &with_credentials(&[("COTRADER_LIVE", "1")])).unwrap();
    assert!(both.notes.iter().any(|note| note.contains("lists no account")), "{:?}", both.notes);
}

#[test]
fn figures_of_orders_that_block_everything_or_nothing_are_refused() {
    for line in [
        "contracts_per_leg: 0",
        "contracts_per_leg: 2.5",
        "contracts_per_order: -1",
        "reserve: 0 %",
        "reserve: 101 %",
        "reserve: 10",
        "notional: .nan",
        "notional: .inf",
        "notional: 0",
        "spread_dollars: 0",
        "collar_mid: -5 %",
        "collar_ticks: off",
        "orders_per_day: 0",
        "accounts: [nobody]",
        "trade_loss: {core: {stock: 5 %}}",
        "trade_loss: {core: {defined: 0 %}}",
        "day_loss: {core: off}",
        "market_orders: true",
    ] {
        let error = with_cotrader(&format!("orders:\n  {line}\n"), &no_env());
        assert!(error.is_err(), "{line}");
    }
    let own = with_cotrader("orders:\n  accounts: [ira]\n  open_orders: 3\n", &no_env()).unwrap().orders;
    assert_eq!((own.open_orders, own.contracts_per_leg), (3, 10), "the rest is as built in");
    assert_eq!(own.accounts, Some(vec!["ira".to_owned()]));
}
