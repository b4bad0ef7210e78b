//! Panels 2 and 3 of the sample book.

use super::{dollars, limit, live, symbol};
use crate::domain::LimitId;
use crate::domain::units::{
    BenchmarkShares, DollarDelta, Dollars, GammaPnl, PerDay, PerRatePercent, PerVolPoint, PerVolPointSquared,
    Shares,
};
use crate::domain::view::Horizon;
use crate::snapshot::risk::{ExpiryBucket, RiskDetail, RiskRow, RiskSums, WorstCell};
use crate::snapshot::{LimitRow, RiskPanel, ScenarioPanel, StressRow};

pub(super) fn underlyings() -> RiskPanel {
    let detail = || RiskDetail {
        rho_1pct: live(PerRatePercent(-31.0)),
        vanna: live(PerVolPoint(4.2)),
        volga: live(PerVolPointSquared(-11.8)),
        charm_day: live(PerDay(-0.7)),
        vega_30d: live(PerVolPoint(-96.0)),
        market_value: live(Dollars(-2_214.0)),
        by_expiry: vec![
            ExpiryBucket {
                label: "0–7 d".into(),
                vega_point: PerVolPoint(-5.0),
                gamma_pnl_1pct: GammaPnl(-11.0),
            },
            ExpiryBucket {
                label: "8–30 d".into(),
                vega_point: PerVolPoint(-34.0),
                gamma_pnl_1pct: GammaPnl(-18.0),
            },
            ExpiryBucket {
                label: "31–60 d".into(),
                vega_point: PerVolPoint(-73.0),
                gamma_pnl_1pct: GammaPnl(-12.0),
            },
        ],
    };
    let row = |name: &str,
               quote: [f64; 5],
               greeks: [f64; 6],
               pnl: [i64; 2],
               risk: [f64; 2],
               limit: LimitRow,
               next: &str| {
        RiskRow {
            symbol: symbol(name),
            last: live(quote[0]),
            change_percent: live(quote[1]),
            iv30: live(quote[2]),
            iv_rank: live(quote[3]),
            beta: live(quote[4]),
            beta_assumed: false,
            delta_shares: live(Shares(greeks[0])),
            sums: RiskSums {
                dollar_delta: live(DollarDelta(greeks[1])),
                beta_delta: live(BenchmarkShares(greeks[2])),
                gamma_pnl_1pct: live(Dollars(greeks[3])),
                theta_day: live(PerDay(greeks[4])),
                vega_point: live(PerVolPoint(greeks[5])),
                day: dollars(pnl[0]),
                open: dollars(pnl[1]),
                worst: live(Dollars(risk[0])),
                var95: live(Dollars(risk[1])),
                unpriced: 0,
            },
            binding_share: limit.utilisation.map(|used| used * 0.45),
            binding: Some(limit),
            next_event: Some(next.into()),
            detail: detail(),
        }
    };
    RiskPanel {
        rows: vec![
            row(
                "NVDA",
                [186.20, -2.31, 40.0, 62.0, 1.68],
                [72.0, 13_344.0, 33.0, -8.0, 12.8, -17.0],
                [-284, 1_641],
                [-2_872.0, 467.0],
                limit(LimitId::L1, "Core", 0.93, "NVDA"),
                "exp 18 Dec",
            ),
            row(
                "SPY",
                [681.42, 0.61, 13.8, 23.0, 1.0],
                [29.0, 19_673.0, 29.0, -41.0, 20.7, -112.0],
                [240, 404],
                [-6_134.0, 492.0],
                limit(LimitId::L5, "Core", 0.82, "SPY"),
                "exp 27 Nov",
            ),
            row(
                "XLF",
                [52.40, 0.21, 16.5, 35.0, 0.95],
                [220.0, 11_538.0, 16.0, -5.0, 4.3, -14.0],
                [40, 438],
                [-1_459.0, 177.0],
                limit(LimitId::L1, "Core", 0.78, "XLF"),
                "ex-div 21 Dec 0.19",
            ),
            row(
                "IWM",
                [243.17, -0.12, 20.5, 28.0, 1.08],
                [6.0, 1_469.0, 2.0, -2.0, 1.3, -4.0],
                [3, 14],
                [-240.0, 33.0],
                limit(LimitId::L1, "Medium", 0.07, "IWM"),
                "exp 18 Dec",
            ),
            row(
                "TLT",
                [91.20, 0.10, 12.5, 40.0, -0.12],
                [130.0, 11_828.0, -2.0, 0.0, 2.9, -26.0],
                [30, 184],
                [-287.0, 7.0],
                limit(LimitId::L1, "Core", 0.91, "TLT"),
                "ex-div 1 Dec 0.31e",
            ),
            row(
                "QQQ",
                [612.08, 0.84, 19.0, 31.0, 1.21],
                [-1.0, -528.0, -1.0, -3.0, 1.8, -11.0],
                [5, -8],
                [-171.0, 8.0],
                limit(LimitId::L5, "Medium", 0.06, "QQQ"),
                "exp 15 Jan",
            ),
        ],
        total: RiskSums {
            dollar_delta: live(DollarDelta(57_324.0)),
            beta_delta: live(BenchmarkShares(77.0)),
            gamma_pnl_1pct: live(Dollars(-59.0)),
            theta_day: live(PerDay(43.8)),
            vega_point: live(PerVolPoint(-186.0)),
            day: dollars(35),
            open: dollars(2_673),
            worst: live(Dollars(-11_163.0)),
            var95: live(Dollars(1_184.0)),
            unpriced: 0,
        },
    }
}

pub(super) fn scenario() -> ScenarioPanel {
    let cells = [
        [-11_163, -6_598, -5_070, -3_736, -3_142, -2_598, -1_650, -880, 401],
        [-10_405, -5_307, -3_626, -2_212, -1_610, -1_077, -207, 433, 1_305],
        [-10_141, -4_688, -2_886, -1_416, -815, -301, 487, 1_015, 1_628],
        [-9_974, -4_114, -2_136, -587, 0, 469, 1_120, 1_496, 1_853],
        [-9_939, -3_603, -1_398, 244, 770, 1_170, 1_647, 1_838, 2_004],
    ];
    ScenarioPanel {
        subject: "all real".into(),
        beta_mapped: true,
        horizon: Horizon::Now,
        roll_days: 0,
        spot_moves: vec![-0.10, -0.05, -0.03, -0.01, 0.0, 0.01, 0.03, 0.05, 0.10],
        vol_points: vec![20.0, 10.0, 5.0, 0.0, -5.0],
        cells: cells.iter().map(|row| row.iter().map(|v| live(Dollars(f64::from(*v)))).collect()).collect(),
        worst: Some(WorstCell {
            row: 0,
            column: 0,
            pnl: Dollars(-11_163.0),
            of_net_liq: Some(0.0444),
            drivers: [("SPY", -6_134.0), ("NVDA", -2_872.0), ("XLF", -1_459.0)]
                .map(|(name, pnl)| (symbol(name), Dollars(pnl)))
                .to_vec(),
        }),
        reverse: vec!["loses 5,000 at −5.9 %, 10,000 at −10.1 % spot".into()],
        unpriced: 0,
    }
}

pub(super) fn stress() -> Vec<StressRow> {
    let row = |name: &str, pnl, share| StressRow {
        name: name.into(),
        pnl: live(Dollars(pnl)),
        of_net_liq: live(share),
    };
    vec![
        row("2008-10-15 −9.0 % +14 pt", -9_670.0, -0.038),
        row("2018-02-05 −4.1 % +20 pt", -5_888.0, -0.023),
        row("2020-03-16 −12.0 % +25 pt", -13_566.0, -0.054),
        row("2024-08-05 −3.0 % +15 pt", -4_381.0, -0.017),
    ]
}
