-- One row an order, as the latest event left it; one row a fill. Prices are text: exact.
CREATE TABLE orders (
    reference TEXT PRIMARY KEY,
    trade     TEXT NOT NULL,
    account   TEXT NOT NULL,
    state     TEXT NOT NULL,
    limit_net TEXT NOT NULL,
    broker_id TEXT,
    staged_at TEXT NOT NULL,
    sent_at   TEXT,
    why       TEXT
) STRICT;

CREATE INDEX orders_by_trade ON orders (trade);

CREATE TABLE fills (
    reference TEXT NOT NULL,
    fill      TEXT NOT NULL,
    symbol    TEXT NOT NULL,
    action    TEXT NOT NULL,
    quantity  TEXT NOT NULL,
    price     TEXT NOT NULL,
    filled_at TEXT,
    PRIMARY KEY (reference, fill)
) STRICT;
