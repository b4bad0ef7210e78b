-- The event log: rows are added at the end and never touched again.
CREATE TABLE events (
    seq             INTEGER PRIMARY KEY CHECK (seq > 0),
    event_id        TEXT    NOT NULL UNIQUE,
    stream          TEXT    NOT NULL,
    stream_version  INTEGER NOT NULL CHECK (stream_version > 0),
    kind            TEXT    NOT NULL,
    schema          INTEGER NOT NULL CHECK (schema > 0),
    occurred_at     TEXT    NOT NULL,
    recorded_at     TEXT    NOT NULL,
    actor           TEXT    NOT NULL,
    correlation_id  TEXT    NOT NULL,
    causation_id    TEXT,
    idempotency_key TEXT,
    payload         TEXT    NOT NULL,
    prev_hash       BLOB    NOT NULL CHECK (length(prev_hash) = 32),
    hash            BLOB    NOT NULL CHECK (length(hash) = 32),
    UNIQUE (stream, stream_version)
) STRICT;

-- Partial: most events carry no key, and an index page less is a page less in every commit.
CREATE UNIQUE INDEX events_by_key ON events (idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END;

CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never removed');
END;

-- REPLACE removes the rows it collides with, and without recursive triggers no DELETE trigger sees it:
-- whatever would collide is refused before it can.
CREATE TRIGGER events_only_grow_at_the_end BEFORE INSERT ON events
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
    OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
    OR EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND stream_version = NEW.stream_version)
    OR EXISTS (SELECT 1 FROM events WHERE idempotency_key = NEW.idempotency_key)
BEGIN
    SELECT RAISE(ABORT, 'events only grow at the end');
END;

-- In a backup: how many events it holds and the hash of the last, since the head file stays behind.
CREATE TABLE sealed_head (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    count     INTEGER NOT NULL,
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    sealed_at TEXT    NOT NULL
) STRICT;
