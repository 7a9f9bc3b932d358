CREATE TEMP TABLE taken AS SELECT order_no FROM order_index;
ANALYZE taken;
INSERT INTO order_index (order_id, order_no, opened_at) OVERRIDING SYSTEM VALUE
SELECT md5(n::text), n, '2025-01-01' FROM generate_series(1, :orders) AS n
 WHERE NOT EXISTS (SELECT FROM taken t WHERE t.order_no = n);
SELECT setval(pg_get_serial_sequence('order_index', 'order_no'), :orders);
-- An order's events came far apart in time, and so lie far apart in the table.
INSERT INTO ledger (order_no, identity, content, partition, stream_offset)
SELECT 1 + n * 5324561::bigint % :orders, uuid_send(gen_random_uuid()), n, n % 8, n
  FROM generate_series(1, :events) AS e, generate_series(1::bigint, :orders) AS n;
SET maintenance_work_mem = '1GB';
ALTER TABLE ledger ADD PRIMARY KEY (order_no, identity);
ALTER TABLE order_index ADD PRIMARY KEY (order_id);
ALTER TABLE order_index ADD UNIQUE (order_no);
INSERT INTO counts SELECT partition, stage, partner, count(*) FROM open_orders GROUP BY 1, 2, 3;
INSERT INTO stays SELECT stage, stage_since, order_no FROM open_orders;
INSERT INTO stay_days
SELECT partition, stage, holder, (stage_since AT TIME ZONE 'UTC')::date, count(*) FROM open_orders GROUP BY 1, 2, 3, 4;
VACUUM ANALYZE;
CHECKPOINT
