-- Folds over the events, for any SQL tool; `rebuild` makes them anew.
CREATE TABLE trades (
    id           TEXT PRIMARY KEY,
    kind         TEXT NOT NULL,
    portfolio    TEXT,
    account      TEXT,
    underlying   TEXT NOT NULL,
    strategy     TEXT NOT NULL,
    state        TEXT NOT NULL,
    opened_at    TEXT NOT NULL,
    rationale    TEXT,
    closed_at    TEXT,
    close_reason TEXT
) STRICT;

CREATE TABLE decisions (
    seq       INTEGER PRIMARY KEY,
    at        TEXT NOT NULL,
    trade     TEXT,
    kind      TEXT NOT NULL,
    rationale TEXT NOT NULL
) STRICT;

CREATE INDEX decisions_by_trade ON decisions (trade);

-- '' where the figure belongs to no portfolio, or to no account. Money is text: exact.
CREATE TABLE daily_close (
    date      TEXT NOT NULL,
    portfolio TEXT NOT NULL,
    account   TEXT NOT NULL,
    equity    TEXT,
    PRIMARY KEY (date, portfolio, account)
) STRICT;

CREATE TABLE greeks_history (
    date                TEXT NOT NULL,
    underlying          TEXT NOT NULL,
    delta_shares        REAL NOT NULL,
    beta_weighted_delta REAL NOT NULL,
    gamma_pnl_1pct      REAL NOT NULL,
    theta_day           REAL NOT NULL,
    vega_point          REAL NOT NULL,
    iv30                REAL,
    complete            INTEGER NOT NULL,
    PRIMARY KEY (date, underlying)
) STRICT;
