-- The read views of pipeline `views`: current orders, finished orders, their timelines, counts.

-- Orders on their way. Small and hot; every batch updates it. Closing moves the row to closed_orders.
CREATE TABLE open_orders (
    order_no          bigint PRIMARY KEY,
    order_id          text NOT NULL,
    partition         smallint NOT NULL,
    stage             text NOT NULL,
    holder            text NOT NULL,
    partner           text,
    customer_id       text,
    price_amount      numeric,
    price_currency    text,
    opened_at         timestamptz NOT NULL,
    stage_since       timestamptz NOT NULL,
    stage_recorded_at timestamptz NOT NULL,
    revision          integer NOT NULL,
    anomalies         integer NOT NULL,
    last_offset       bigint NOT NULL,
    last_recorded_at  timestamptz NOT NULL
) WITH (fillfactor = 70);

-- Newest first. No index bears what an event changes, a stage say, so that updates stay on their page (HOT).
CREATE INDEX open_orders_newest ON open_orders (partition, opened_at DESC);

-- Finished orders, by the month in which the log recorded their end.
CREATE TABLE closed_orders (
    LIKE open_orders INCLUDING DEFAULTS,
    closed_at timestamptz NOT NULL,
    PRIMARY KEY (order_no, closed_at)
) PARTITION BY RANGE (closed_at);

CREATE INDEX closed_orders_lane ON closed_orders (partition, stage, opened_at DESC, order_no);

-- Every event of every order, in stream order, by the month in which the log recorded it.
CREATE TABLE timeline (
    order_no      bigint NOT NULL,
    stream_offset bigint NOT NULL,
    recorded_at   timestamptz NOT NULL,
    event_time    timestamptz NOT NULL,
    revision      integer NOT NULL,
    partition     smallint NOT NULL,
    identity      bytea NOT NULL,
    source        text NOT NULL,
    event_id      text NOT NULL,
    event_type    text NOT NULL,
    stage         text NOT NULL,
    holder        text NOT NULL,
    held_seconds  double precision,
    anomalies     text[] NOT NULL,
    trace_id      text,
    body          bytea NOT NULL,
    PRIMARY KEY (order_no, stream_offset, recorded_at)
) PARTITION BY RANGE (recorded_at);

-- Orders and timeline entries as processors write them, see ledger_row.
CREATE TYPE order_row AS (
    order_no          bigint,
    order_id          text,
    partition         smallint,
    stage             text,
    holder            text,
    partner           text,
    customer_id       text,
    price_amount      numeric,
    price_currency    text,
    opened_at         timestamptz,
    stage_since       timestamptz,
    stage_recorded_at timestamptz,
    revision          integer,
    anomalies         integer,
    last_offset       bigint,
    last_recorded_at  timestamptz
);

CREATE TYPE timeline_row AS (
    order_no      bigint,
    stream_offset bigint,
    recorded_at   timestamptz,
    event_time    timestamptz,
    revision      integer,
    partition     smallint,
    identity      bytea,
    source        text,
    event_id      text,
    event_type    text,
    stage         text,
    holder        text,
    held_seconds  double precision,
    anomalies     text[],
    trace_id      text,
    body          bytea
);

-- How many orders are in each stage. One row per stream partition, so that no two owners wait for the same row.
CREATE TABLE counts (
    partition smallint NOT NULL,
    stage     text NOT NULL,
    partner   text NOT NULL,
    orders    bigint NOT NULL,
    PRIMARY KEY (partition, stage, partner)
) WITH (fillfactor = 50);

SELECT ensure_month('timeline', now() + make_interval(months => m)) FROM generate_series(0, 3) AS m;
SELECT ensure_month('closed_orders', now() + make_interval(months => m)) FROM generate_series(0, 3) AS m;
