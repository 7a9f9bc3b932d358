-- What the operators' questions are answered from: an index for each of them, and figures that need no counting of rows.
-- Processors of a release before this one wait from here on, as they know another order_row, and nothing is lost.
LOCK TABLE open_orders, closed_orders, counts IN EXCLUSIVE MODE;

-- Who opened an order: the source of its first event.
ALTER TABLE open_orders ADD COLUMN opened_by text;
ALTER TABLE closed_orders ADD COLUMN opened_by text;
UPDATE open_orders o SET opened_by = t.source FROM timeline t WHERE t.order_no = o.order_no AND t.revision = 1;
UPDATE closed_orders o SET opened_by = t.source FROM timeline t WHERE t.order_no = o.order_no AND t.revision = 1;
ALTER TABLE open_orders ALTER COLUMN opened_by SET NOT NULL;
ALTER TABLE closed_orders ALTER COLUMN opened_by SET NOT NULL;

DROP TYPE order_row;
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
    last_recorded_at  timestamptz,
    opened_by         text
);

-- Of open orders, what hardly ever changes; of finished ones, all that is asked.
DROP INDEX open_orders_newest;
CREATE INDEX open_orders_newest ON open_orders (opened_at DESC, order_no DESC);
CREATE INDEX open_orders_partner ON open_orders (partner, opened_at DESC, order_no DESC) WHERE partner IS NOT NULL;
CREATE INDEX open_orders_customer ON open_orders (customer_id, opened_at DESC, order_no DESC)
    WHERE customer_id IS NOT NULL;
CREATE INDEX open_orders_price ON open_orders (price_currency, price_amount DESC, order_no DESC)
    WHERE price_amount IS NOT NULL;
CREATE INDEX open_orders_odd ON open_orders (opened_at DESC, order_no DESC) WHERE anomalies > 0;

DROP INDEX closed_orders_lane;
CREATE INDEX closed_orders_newest ON closed_orders (opened_at DESC, order_no DESC);
CREATE INDEX closed_orders_lane ON closed_orders (stage, stage_since DESC, order_no DESC);
CREATE INDEX closed_orders_partner ON closed_orders (partner, opened_at DESC, order_no DESC) WHERE partner IS NOT NULL;
CREATE INDEX closed_orders_customer ON closed_orders (customer_id, opened_at DESC, order_no DESC)
    WHERE customer_id IS NOT NULL;
CREATE INDEX closed_orders_price ON closed_orders (price_currency, price_amount DESC, order_no DESC)
    WHERE price_amount IS NOT NULL;
CREATE INDEX closed_orders_odd ON closed_orders (opened_at DESC, order_no DESC) WHERE anomalies > 0;

-- Open orders by who has been longest in a stage: one row an order, taken away and put anew when it moves. A table of its
-- own, so that open_orders has no index on what every event changes: there, an event would write to all of its indexes.
CREATE TABLE stays (
    stage    text NOT NULL,
    since    timestamptz NOT NULL,
    order_no bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TYPE stay_row AS (stage text, since timestamptz, order_no bigint);

INSERT INTO stays SELECT stage, stage_since, order_no FROM open_orders ORDER BY stage_since;
ALTER TABLE stays ADD PRIMARY KEY (stage, since, order_no);

-- How many stays began on which day (UTC). Rows of zero are taken away.
CREATE TABLE stay_days (
    partition smallint NOT NULL,
    stage     text NOT NULL,
    holder    text NOT NULL,
    day       date NOT NULL,
    orders    bigint NOT NULL,
    PRIMARY KEY (partition, stage, holder, day)
) WITH (fillfactor = 50);

INSERT INTO stay_days
SELECT partition, stage, holder, (stage_since AT TIME ZONE 'UTC')::date, count(*) FROM open_orders GROUP BY 1, 2, 3, 4;

-- Of the stays that lasted longer than their stage's target and have ended: how many passed it, and how many ended, on
-- which day (UTC). With the stays that go on, it says how many were stuck at the end of any day.
CREATE TABLE overdue_days (
    partition smallint NOT NULL,
    stage     text NOT NULL,
    holder    text NOT NULL,
    day       date NOT NULL,
    passed    bigint NOT NULL,
    ended     bigint NOT NULL,
    PRIMARY KEY (partition, stage, holder, day)
) WITH (fillfactor = 50);

INSERT INTO overdue_days
SELECT partition, stage, holder, day, sum(passed), sum(ended)
  FROM (SELECT was.partition, was.stage, was.holder, was.left_at, was.held_seconds, targets.seconds AS target
          FROM (SELECT partition, held_seconds,
                       lag(stage) OVER story AS stage, lag(holder) OVER story AS holder,
                       CASE WHEN anomalies && '{from_the_future,time_reversed}' THEN recorded_at ELSE event_time END AS left_at
                  FROM timeline
                WINDOW story AS (PARTITION BY order_no ORDER BY stream_offset)) AS was
          JOIN (VALUES ('initiated', 86400), ('file_uploaded', 86400), ('submitted', 3600),
                       ('price_calculated', 172800), ('manufacturing_approved', 86400),
                       ('manufacturing_started', 432000), ('manufacturing_completed', 86400), ('packaging', 86400),
                       ('shipped', 1209600)) AS targets (stage, seconds) USING (stage)
         WHERE was.held_seconds > targets.seconds) AS late,
       LATERAL (VALUES ((left_at - make_interval(secs => held_seconds - target)) AT TIME ZONE 'UTC', 1, 0),
                       (left_at AT TIME ZONE 'UTC', 0, 1)) AS either (at, passed, ended),
       LATERAL (SELECT at::date AS day) AS days
 GROUP BY partition, stage, holder, day;

-- Of the orders counted, those with an anomaly.
ALTER TABLE counts ADD COLUMN odd bigint NOT NULL DEFAULT 0;
INSERT INTO counts AS c (partition, stage, partner, orders, odd)
SELECT partition, stage, coalesce(partner, ''), 0, count(*)
  FROM (SELECT partition, stage, partner FROM open_orders WHERE anomalies > 0
         UNION ALL
        SELECT partition, stage, partner FROM closed_orders WHERE anomalies > 0) AS either
 GROUP BY 1, 2, 3
    ON CONFLICT (partition, stage, partner) DO UPDATE SET odd = excluded.odd;

-- Which orders ever had an item, whatever became of it.
CREATE TABLE order_items (
    item_id  text COLLATE "C" NOT NULL,
    order_no bigint NOT NULL,
    PRIMARY KEY (item_id, order_no)
);

INSERT INTO order_items
SELECT DISTINCT item ->> 'item_id', order_no
  FROM (SELECT order_no, convert_from(body, 'UTF8')::json #> '{data,items}' AS items
          FROM timeline
         WHERE event_type IN ('order.submitted.v1', 'order.revised.v1')) AS told,
       LATERAL json_array_elements(CASE json_typeof(items) WHEN 'array' THEN items END) AS item;
