-- What the comparison remarks as it goes, in the same file as the expected world.

-- Accepted events the ledger does not know.
CREATE TABLE missing (
    partition     INTEGER NOT NULL,
    stream_offset INTEGER NOT NULL,
    order_id      TEXT NOT NULL,
    source        TEXT NOT NULL,
    event_id      TEXT NOT NULL,
    PRIMARY KEY (partition, stream_offset)
) WITHOUT ROWID;

-- Orders the order index knows.
CREATE TABLE visited (
    order_id TEXT PRIMARY KEY
) WITHOUT ROWID;

-- Messages that belong in quarantine and stand in the ledger all the same.
CREATE TABLE applied (
    partition     INTEGER NOT NULL,
    stream_offset INTEGER NOT NULL,
    PRIMARY KEY (partition, stream_offset)
) WITHOUT ROWID;

-- Orders that have gone on beyond what was read.
CREATE TABLE moved (
    order_no INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL
);
