-- A scratch database, deleted after the import: nothing here needs to survive a crash.
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;

-- Rows of all joined tables, each with its place in its own table; `cells` is a JSON list of the columns in use.
CREATE TABLE joined (
    label   INTEGER NOT NULL,
    key     TEXT NOT NULL,
    line    INTEGER NOT NULL,
    cells   BLOB NOT NULL,
    problem TEXT
);

-- Order ids met so far in the main table.
CREATE TABLE met (
    order_id TEXT PRIMARY KEY,
    line     INTEGER NOT NULL
) WITHOUT ROWID;
