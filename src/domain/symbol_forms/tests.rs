use proptest::prelude::*;

use super::*;

fn contracts() -> impl Strategy<Value = OptionContract> {
    let root = proptest::string::string_regex("[A-Z]{1,5}[0-9]?|[A-Z]{1,3}/[A-Z]").expect("an expression");
    let known = proptest::sample::select(vec!["SPX", "SPXW", "VIXW", "PC", "CP", "C", "P", "BRK/B"]);
    let root = prop_oneof![root, known.prop_map(str::to_owned)];
    let day = (0i64..36_525)
        .prop_map(|n| NaiveDate::from_ymd_opt(2000, 1, 1).expect("a date") + chrono::TimeDelta::days(n));
    let strike =
        prop_oneof![1i64..=99_999_999, (1i64..=200_000).prop_map(|halves| halves * 500 % 99_999_999)]
            .prop_filter("a strike is above nought", |thousandths| *thousandths > 0);
    (root, day, any::<bool>(), strike, prop_oneof![Just(100u32), 1u32..1_000_000]).prop_map(
        |(root, expiry, call, thousandths, multiplier)| {
            let root = Symbol::new(&root).expect("a symbol");
            let strike = listed_strike(Decimal::new(thousandths, 3)).expect("a listed strike");
            let right = if call { Right::Call } else { Right::Put };
            let settlement = settlement_of_root(root.as_str());
            let underlying = underlying_of_root(&root);
            OccParts { root, expiry, right, strike }.contract(underlying, settlement, multiplier)
        },
    )
}

proptest! {
    #[test]
    fn every_spelling_of_every_contract_reads_back_as_it(contract in contracts()) {
        let parts = OccParts::of(&contract);
        prop_assert_eq!(parse_occ(&contract.occ()), Ok(parts.clone()));
        prop_assert_eq!(parse_occ(&parts.compact()), Ok(parts.clone()));
        prop_assert_eq!(parse_streamer(&contract.streamer()), Ok(parts.clone()));
        prop_assert_eq!(IbkrFields::of(&contract).contract(contract.settlement), Ok(contract.clone()));
        let again = parts.contract(contract.underlying.clone(), contract.settlement, contract.multiplier);
        prop_assert_eq!(again, contract);
    }

    #[test]
    fn two_contracts_never_share_a_spelling(a in contracts(), b in contracts()) {
        let (one, other) = (OccParts::of(&a), OccParts::of(&b));
        let same = one == other;
        prop_assert_eq!(one.padded() == other.padded(), same);
        prop_assert_eq!(one.compact() == other.compact(), same);
        prop_assert_eq!(one.streamer() == other.streamer(), same);
    }

    #[test]
    fn a_symbol_with_one_character_changed_is_another_contract_or_none(
        contract in contracts(), at in 0usize..40, to in "[ -~é\u{202e}]"
    ) {
        let parts = OccParts::of(&contract);
        let changed = |text: &str| {
            let mut all: Vec<char> = text.chars().collect();
            let at = at % all.len();
            all[at] = to.chars().next().expect("a character");
            all.into_iter().collect::<String>()
        };
        let streamer = changed(&parts.streamer());
        if let Ok(read) = parse_streamer(&streamer) {
            prop_assert_eq!(read.streamer(), streamer);
        }
        let compact = changed(&parts.compact());
        if let Ok(read) = parse_occ(&compact) {
            // Around a root there may be padding, and nothing else.
            prop_assert_eq!(read.compact().replace(' ', ""), compact.replace(' ', ""));
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in ".{0,60}") {
        let _ = parse_occ(&text).map_err(|bad| bad.to_string());
        let _ = parse_streamer(&text).map_err(|bad| bad.to_string());
    }
}

#[test]
fn the_spellings_are_those_of_the_brokers() {
    let parts = parse_occ("SPY   261218C00570000").expect("a symbol");
    assert_eq!(parts.compact(), "SPY261218C00570000");
    assert_eq!(parts.padded(), "SPY   261218C00570000");
    assert_eq!(parts.streamer(), ".SPY261218C570");
    let contract = parts.contract(Symbol::new("SPY").expect("a symbol"), Settlement::Pm, 100);
    let fields = IbkrFields::of(&contract);
    assert_eq!((fields.month.as_str(), fields.maturity_date.as_str()), ("DEC26", "20261218"));
    assert_eq!((fields.strike.as_str(), fields.right.as_str()), ("570", "C"));
}

#[test]
fn bad_spellings_are_refused_by_what_is_wrong_with_them() {
    for bad in [
        "",
        ".",
        ".SPY261218X640",
        "SPY261218C640",
        ".SPY261318C640",
        ".SPY261218C640.0",
        ".SPY261218C0640",
        ".SPY261218C",
        ".261218C640",
        ".SPY261218C-640",
        ".SPY261218C1e3",
        ".SPY261218C100000",
        ".SPY 261218C640",
    ] {
        let refused = parse_streamer(bad);
        assert_eq!(refused, Err(BadStreamerSymbol { found: bad.into() }), "{bad}");
    }
    let contract = parse_occ("SPXW  261218P06400000").expect("a symbol");
    let contract = contract.contract(Symbol::new("SPX").expect("a symbol"), Settlement::Pm, 100);
    let good = IbkrFields::of(&contract);
    let bad: [(&str, IbkrFields); 7] = [
        ("symbol", IbkrFields { symbol: "spx".into(), ..good.clone() }),
        ("trading class", IbkrFields { trading_class: String::new(), ..good.clone() }),
        ("maturity date", IbkrFields { maturity_date: "20261232".into(), ..good.clone() }),
        ("month", IbkrFields { month: "JAN27".into(), ..good.clone() }),
        ("right", IbkrFields { right: "CALL".into(), ..good.clone() }),
        ("strike", IbkrFields { strike: "0".into(), ..good.clone() }),
        ("multiplier", IbkrFields { multiplier: "100.5".into(), ..good.clone() }),
    ];
    for (field, fields) in bad {
        assert_eq!(fields.contract(Settlement::Pm).err().map(|bad| bad.field), Some(field));
    }
    assert_eq!(good.contract(Settlement::Pm), Ok(contract));
}

#[test]
fn weekly_roots_of_indices_stand_on_the_index() {
    let of = |root: &str| underlying_of_root(&Symbol::new(root).expect("a symbol")).to_string();
    assert_eq!(["SPXW", "SPX", "RUTW", "SPY", "XSP"].map(of), ["SPX", "SPX", "RUT", "SPY", "XSP"]);
}
