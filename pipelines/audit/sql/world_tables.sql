-- The world as the stream alone says it should be. A temporary SQLite file: it may outgrow memory.

-- Every order with its home partition, and where it stands after the last event read.
CREATE TABLE orders (
    number    INTEGER PRIMARY KEY,
    order_id  TEXT NOT NULL UNIQUE,
    partition INTEGER NOT NULL,
    stage     TEXT,
    partner   TEXT,
    amount    TEXT,
    currency  TEXT
);

-- Every accepted event, once, and where its order stands after it.
CREATE TABLE events (
    number        INTEGER NOT NULL,
    identity      BLOB NOT NULL,
    content       INTEGER NOT NULL,
    stream_offset INTEGER NOT NULL,
    recorded_ms   INTEGER NOT NULL,
    source        TEXT NOT NULL,
    event_id      TEXT NOT NULL,
    event_type    TEXT NOT NULL,
    event_us      INTEGER NOT NULL,
    trace_id      TEXT,
    readable      INTEGER NOT NULL,
    body          BLOB NOT NULL,
    stage         TEXT NOT NULL,
    partner       TEXT,
    amount        TEXT,
    currency      TEXT,
    settles       TEXT,
    customer      BLOB,
    PRIMARY KEY (number, identity)
) WITHOUT ROWID;

-- Every message that must stand in quarantine.
CREATE TABLE rejected (
    partition     INTEGER NOT NULL,
    stream_offset INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    why           TEXT NOT NULL,
    order_id      TEXT,
    event_id      TEXT,
    body          BLOB NOT NULL,
    customers     BLOB NOT NULL,
    PRIMARY KEY (partition, stream_offset)
) WITHOUT ROWID;
