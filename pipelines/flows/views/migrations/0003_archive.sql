-- What the archive leaves in the database. Both tables are filled by `warren archive` alone.

-- Finished orders whose month has left: how they stand, so that a late event takes effect on them as on any finished
-- order. An order is a row here and has one index more than its key, for the finished lanes, which may reach back as far.
-- Months are taken from closed_orders as they are, so a column that comes there has to come here.
CREATE TABLE archived_orders (
    LIKE closed_orders INCLUDING DEFAULTS,
    PRIMARY KEY (order_no, closed_at)
) PARTITION BY RANGE (closed_at);

CREATE INDEX archived_orders_lane ON archived_orders (stage, stage_since DESC, order_no DESC);

-- Which months have left, of which table ('timeline', 'orders'), and where they lie: `path` is relative to the archive's
-- address, `manifest` the SHA-256 of the file there that names all others.
CREATE TABLE archived_months (
    dataset     text NOT NULL,
    month       date NOT NULL,
    path        text NOT NULL,
    rows        bigint NOT NULL,
    bytes       bigint NOT NULL,
    manifest    bytea NOT NULL CHECK (length(manifest) = 32),
    archived_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dataset, month)
);
