-- The log recorded their end when it recorded their last stage; that names the month they belong to.
INSERT INTO closed_orders (order_no, order_id, partition, stage, holder, partner, customer_id, price_amount,
                           price_currency, opened_at, stage_since, stage_recorded_at, revision, anomalies, last_offset,
                           last_recorded_at, opened_by, closed_at)
SELECT n.*, n.stage_recorded_at FROM unnest($1::order_row[]) AS n
