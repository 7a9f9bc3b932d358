-- The next {limit} rows of a month's partition, in the sequence of the files, of those that are {behind}.
SELECT order_no, order_id, partition, stage, holder, partner, customer_id, price_amount::text AS price_amount,
       price_currency, opened_at, stage_since, stage_recorded_at, revision, anomalies, last_offset, last_recorded_at,
       opened_by, closed_at
  FROM {table}
 WHERE {behind}
 ORDER BY order_no, closed_at
 LIMIT {limit}
