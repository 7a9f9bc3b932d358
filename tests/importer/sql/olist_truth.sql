-- What the Olist files say about every order, by the rules of docs/examples/olist/mapping.toml and of the order's life,
-- in set-based SQL that shares nothing with the importer or the fold. Tables `orders_csv` and `items_csv` are all text.

-- Sao Paulo is at UTC-3, in summer at UTC-2. Of an hour that came twice the first (summer) is meant; an hour that never
-- came is read by the clock before the change. The files end before the summer that began on 2018-11-04.
CREATE MACRO utc(t) AS t + CASE
    WHEN t >= TIMESTAMP '2016-10-16 01:00' AND t < TIMESTAMP '2017-02-19 00:00' THEN INTERVAL 2 HOUR
    WHEN t >= TIMESTAMP '2017-10-15 01:00' AND t < TIMESTAMP '2018-02-18 00:00' THEN INTERVAL 2 HOUR
    ELSE INTERVAL 3 HOUR END;

CREATE VIEW known AS
SELECT order_id, order_status AS status,
       utc(order_purchase_timestamp::TIMESTAMP)                 AS purchased,
       utc(nullif(order_approved_at, '')::TIMESTAMP)            AS approved,
       utc(nullif(order_delivered_carrier_date, '')::TIMESTAMP) AS carried,
       utc(nullif(order_delivered_customer_date, '')::TIMESTAMP) AS delivered
  FROM orders_csv;

CREATE VIEW latest AS
SELECT *, greatest(purchased, coalesce(approved, purchased), coalesce(carried, purchased),
                   coalesce(delivered, purchased)) AS last_known
  FROM known;

-- One row per event. `rank` is the stage's place in the life; `turn` decides between events of one time.
CREATE VIEW happened AS
          SELECT order_id, 'submitted' AS name, 'submitted' AS stage, '/shop' AS source, 3 AS rank, 3 AS turn, purchased AS t FROM latest
UNION ALL SELECT order_id, 'approved', 'manufacturing_approved', '/crm', 5, 5, approved FROM latest WHERE approved IS NOT NULL
UNION ALL SELECT order_id, 'started', 'manufacturing_started', '/mes', 6, 6, last_known FROM latest WHERE status IN ('invoiced', 'processing')
UNION ALL SELECT order_id, 'shipped', 'shipped', '/mes', 9, 9, carried FROM latest WHERE carried IS NOT NULL
UNION ALL SELECT order_id, 'delivered', 'closed', '/crm', 10, 10, delivered FROM latest WHERE delivered IS NOT NULL
UNION ALL SELECT order_id, 'canceled', 'cancelled', '/shop', 10, 11, last_known FROM latest WHERE status = 'canceled'
UNION ALL SELECT order_id, 'unavailable', 'cancelled', '/crm', 10, 11, last_known FROM latest WHERE status = 'unavailable';

CREATE VIEW numbered AS
SELECT *, row_number() OVER (PARTITION BY order_id ORDER BY t, turn) AS seq FROM happened;

-- An order that was not cancelled stands where the furthest event so far put it.
CREATE VIEW furthest AS
SELECT *,
       coalesce(max(rank) FILTER (stage <> 'cancelled') OVER before, 0) AS top,
       coalesce(bool_or(rank = 5) OVER before, false) AS was_approved,
       coalesce(bool_or(rank = 9) OVER before, false) AS was_shipped
  FROM numbered
WINDOW before AS (PARTITION BY order_id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

CREATE VIEW standing AS
SELECT *,
       coalesce(bool_or(stage = 'cancelled' AND top < 9) OVER before, false) AS is_cancelled
  FROM furthest
WINDOW before AS (PARTITION BY order_id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

CREATE VIEW judged AS
SELECT *,
       CASE WHEN is_cancelled THEN 'cancelled'
            ELSE CASE top WHEN 0 THEN 'unopened' WHEN 3 THEN 'submitted' WHEN 5 THEN 'manufacturing_approved'
                          WHEN 6 THEN 'manufacturing_started' WHEN 9 THEN 'shipped' WHEN 10 THEN 'closed' END END AS stage_before,
       CASE WHEN stage = 'cancelled' AND is_cancelled OR NOT is_cancelled AND stage <> 'cancelled' AND rank = top THEN 'repeated'
            WHEN is_cancelled OR top = 10 THEN 'after_end'
            WHEN stage = 'cancelled' AND top >= 9 THEN 'not_allowed'
            WHEN stage <> 'cancelled' AND rank < top THEN 'out_of_step' END AS refused
  FROM standing;

CREATE VIEW moved AS
SELECT *,
       refused IS NULL AS moves,
       refused IS NULL AND stage <> 'cancelled' AND (top < 5 AND 5 < rank AND NOT was_approved OR top < 9 AND 9 < rank AND NOT was_shipped) AS skips
  FROM judged;

CREATE VIEW timed AS
SELECT *, last_value(CASE WHEN moves THEN t END IGNORE NULLS) OVER before AS since
  FROM moved
WINDOW before AS (PARTITION BY order_id ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

CREATE TABLE truth AS
SELECT order_id, seq, 'olist:' || order_id || ':' || name AS event_id, source, t AS event_time, stage_before,
       CASE WHEN moves THEN stage ELSE stage_before END AS stage,
       CASE WHEN moves THEN (epoch_us(t) - epoch_us(since)) / 1e6 END AS held_seconds,
       list_filter([refused, CASE WHEN skips THEN 'skipped' END, CASE WHEN moves AND t < since THEN 'time_reversed' END],
                   lambda word: word IS NOT NULL) AS anomalies
  FROM timed;

CREATE TABLE truth_orders AS
SELECT order_id,
       last(stage ORDER BY seq) AS stage,
       min(event_time) AS opened_at,
       count(*) AS revision,
       count(*) FILTER (len(anomalies) > 0) AS anomalies,
       (SELECT seller_id FROM items_csv i WHERE i.order_id = truth.order_id AND order_item_id = '1') AS partner,
       (SELECT customer_id FROM orders_csv o WHERE o.order_id = truth.order_id) AS customer_id
  FROM truth
 GROUP BY order_id;

CREATE TABLE truth_items AS
SELECT order_id, order_item_id::INT AS place, product_id, seller_id,
       price::DECIMAL(18, 2)::VARCHAR AS price, freight_value::DECIMAL(18, 2)::VARCHAR AS freight
  FROM items_csv;
