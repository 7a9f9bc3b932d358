-- What speaks of all orders.
INSERT INTO counts (partition, stage, partner, orders, odd)
SELECT partition, stage, coalesce(partner, ''), count(*), count(*) FILTER (WHERE anomalies > 0)
  FROM (SELECT partition, stage, partner, anomalies FROM open_orders
         UNION ALL SELECT partition, stage, partner, anomalies FROM closed_orders) AS either
 GROUP BY 1, 2, 3;
INSERT INTO order_index (order_id, order_no, opened_at) OVERRIDING SYSTEM VALUE
SELECT order_id, order_no, opened_at FROM (SELECT order_id, order_no, opened_at FROM closed_orders
                                            UNION ALL SELECT order_id, order_no, opened_at FROM open_orders) AS either;
SELECT setval(pg_get_serial_sequence('order_index', 'order_no'), {orders});
ALTER TABLE order_index ADD PRIMARY KEY (order_id);
ALTER TABLE order_index ADD UNIQUE (order_no);
INSERT INTO order_items
SELECT CASE WHEN dice(n, 11) % 10 = 0 THEN 'part-0' ELSE 'part-' || 1 + dice(n, 12) % ({orders} / 10) END, n + 1 FROM drawn;
ALTER TABLE order_items ADD PRIMARY KEY (item_id, order_no);
DROP TABLE drawn;
DROP FUNCTION dice;
VACUUM ANALYZE;
CHECKPOINT
