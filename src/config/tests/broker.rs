//! Which broker, where, and by whose credentials.

use super::*;

#[test]
fn the_address_decides_the_environment() {
    let of =
        |more: &[(&str, &str)]| Config::load(None, &with_credentials(more)).map(|c| c.broker.environment);
    assert_eq!(of(&[]), Ok(Environment::Production));
    assert_eq!(of(&[("COTRADER_BASE_URL", "http://127.0.0.1:9")]), Ok(Environment::Sim));
    assert_eq!(of(&[("COTRADER_BASE_URL", "http://[::1]:9")]), Ok(Environment::Sim));
    assert_eq!(of(&[("COTRADER_BASE_URL", "https://api.cert.tastyworks.com")]), Ok(Environment::Sandbox));
    assert_eq!(of(&[("COTRADER_BASE_URL", "https://api.tastyworks.com")]), Ok(Environment::Production));
    let error = of(&[("COTRADER_BASE_URL", "https://evil.example")]).unwrap_err();
    assert_eq!(error.origin, Origin::Variable("COTRADER_BASE_URL"));
    assert_eq!(*error.fault, Fault::HostNotAllowed { host: "evil.example".into() });
}

#[test]
fn a_live_session_never_streams_to_another_host() {
    let stream = |base: &str, url: &str| {
        let env = with_credentials(&[("COTRADER_BASE_URL", base), ("COTRADER_ACCOUNT_STREAM_URL", url)]);
        Config::load(None, &env).map(|c| c.broker.account_stream_url.map(|u| u.to_string()))
    };
    let (live, sim) = ("https://api.tastyworks.com", "http://127.0.0.1:9");
    assert!(stream(live, "ws://127.0.0.1:9").is_err());
    assert!(stream(live, "wss://streamer.example").is_err());
    assert!(stream(live, "ws://streamer.tastyworks.com").is_err());
    assert!(stream(sim, "wss://streamer.tastyworks.com").is_err());
    assert!(stream(live, "wss://streamer.tastyworks.com").is_ok());
    assert_eq!(stream(sim, "ws://127.0.0.1:8/account"), Ok(Some("ws://127.0.0.1:8/account".into())));
}

#[test]
fn no_credentials_is_the_demo_whatever_the_address() {
    let config = Config::load(None, &env(&[("COTRADER_BASE_URL", "http://127.0.0.1:9")])).unwrap();
    assert_eq!(config.broker.environment, Environment::Demo);
    assert_eq!(config.broker.base_url, None);
    assert_eq!(config.notes.len(), 1);
}

#[test]
fn the_broker_is_chosen_by_name_and_each_has_its_own_hosts_and_credentials() {
    let of = |more: &[(&str, &str)]| {
        let named = [("COTRADER_BROKER", "tradier"), ("TRADIER_TOKEN", "canary")];
        Config::load(None, &env(&[&named, more].concat())).map(|config| config.broker)
    };
    let broker = of(&[]).unwrap();
    assert_eq!((broker.name, broker.environment), (BrokerName::Tradier, Environment::Production));
    assert!(matches!(broker.credentials, Some(Credentials::Tradier { .. })));
    assert!(!format!("{broker:?}").contains("canary"));
    let sandbox = of(&[("COTRADER_BASE_URL", "https://sandbox.tradier.com/v1")]).unwrap();
    assert_eq!(sandbox.environment, Environment::Sandbox);
    let here =
        [("COTRADER_BASE_URL", "http://127.0.0.1:9/v1"), ("COTRADER_STREAM_URL", "ws://127.0.0.1:9/v1")];
    let sim = of(&here).unwrap();
    assert_eq!((sim.environment, sim.stream_url.is_some()), (Environment::Sim, true));
    let foreign = of(&[("COTRADER_BASE_URL", "https://api.tastyworks.com")]).unwrap_err();
    assert_eq!(*foreign.fault, Fault::HostNotAllowed { host: "api.tastyworks.com".into() });
    assert!(of(&[("COTRADER_STREAM_URL", "wss://streamer.tastyworks.com")]).is_err());
    let streams = of(&[("COTRADER_DXLINK_URL", "wss://x.dxfeed.com")]).unwrap_err();
    assert_eq!(streams.origin, Origin::Variable("COTRADER_DXLINK_URL"));
    assert!(streams.to_string().ends_with("remove it, or write `name: tastytrade`"), "{streams}");
    // The variable is for one run and goes before the file.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cotrader.yaml"), "broker:\n  name: tradier\n").unwrap();
    let written = |env: &Env| Config::load(Some(folder.path()), env).map(|config| config.broker.name);
    assert_eq!(written(&no_env()), Ok(BrokerName::Tradier));
    assert_eq!(written(&env(&[("COTRADER_BROKER", "tastytrade")])), Ok(BrokerName::Tastytrade));
    let unheard_of = written(&env(&[("COTRADER_BROKER", "schwab")])).unwrap_err();
    assert_eq!(unheard_of.origin, Origin::Variable("COTRADER_BROKER"));
}

#[test]
fn the_credentials_of_another_broker_are_none_and_half_of_them_no_matter() {
    let named = |more: &[(&str, &str)]| {
        Config::load(None, &env(&[&[("COTRADER_BROKER", "tradier")], more].concat())).unwrap()
    };
    let demo = named(&[("TT_CLIENT_SECRET", "canary")]);
    assert_eq!(demo.broker.environment, Environment::Demo);
    assert_eq!(demo.notes, ["a broker is named, but no credentials (TRADIER_TOKEN): this is the demo"]);
    assert!(named(&[("TT_REFRESH_TOKEN", "canary"), ("TRADIER_TOKEN", "other")]).notes.is_empty());
}

#[test]
fn one_credential_alone_is_refused_by_the_name_of_the_other() {
    let error = Config::load(None, &env(&[("TT_REFRESH_TOKEN", "canary")])).unwrap_err();
    assert_eq!(*error.fault, Fault::HalfCredentials { missing: "TT_CLIENT_SECRET" });
    assert!(!format!("{error} {error:?}").contains("canary"));
}
