-- A day's Greeks may be unknown: no leg of the underlying had a price.
CREATE TABLE greeks_history_next (
    date                TEXT NOT NULL,
    underlying          TEXT NOT NULL,
    delta_shares        REAL,
    beta_weighted_delta REAL,
    gamma_pnl_1pct      REAL,
    theta_day           REAL,
    vega_point          REAL,
    iv30                REAL,
    complete            INTEGER NOT NULL,
    PRIMARY KEY (date, underlying)
) STRICT;

INSERT INTO greeks_history_next SELECT * FROM greeks_history;
DROP TABLE greeks_history;
ALTER TABLE greeks_history_next RENAME TO greeks_history;
