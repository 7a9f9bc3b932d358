-- A batch's orders and counts. $2 orders that changed, $3 that are new, $4 that left, $5 that ended; $6 to $8 counts.
WITH changed AS (
    UPDATE open_orders o
       SET stage = n.stage, holder = n.holder, partner = n.partner, customer_id = n.customer_id,
           price_amount = n.price_amount, price_currency = n.price_currency,
           stage_since = n.stage_since, stage_recorded_at = n.stage_recorded_at, revision = n.revision,
           anomalies = n.anomalies, last_offset = n.last_offset, last_recorded_at = n.last_recorded_at
      FROM unnest($2::order_row[]) AS n
     WHERE o.order_no = n.order_no
), opened AS (
    INSERT INTO open_orders (order_no, order_id, partition, stage, holder, partner, customer_id, price_amount,
                             price_currency, opened_at, stage_since, stage_recorded_at, revision, anomalies,
                             last_offset, last_recorded_at)
    SELECT n.* FROM unnest($3::order_row[]) AS n
), gone AS (
    DELETE FROM open_orders WHERE order_no = ANY($4::bigint[])
), ended AS (
    -- The log recorded their end when it recorded their last stage; that names the month they belong to.
    INSERT INTO closed_orders (order_no, order_id, partition, stage, holder, partner, customer_id,
                               price_amount, price_currency, opened_at, stage_since, stage_recorded_at,
                               revision, anomalies, last_offset, last_recorded_at, closed_at)
    SELECT n.*, n.stage_recorded_at FROM unnest($5::order_row[]) AS n
)
INSERT INTO counts AS c (partition, stage, partner, orders)
SELECT $1, n.stage, n.partner, n.orders FROM unnest($6::text[], $7::text[], $8::bigint[]) AS n (stage, partner, orders)
    ON CONFLICT (partition, stage, partner) DO UPDATE SET orders = c.orders + excluded.orders
