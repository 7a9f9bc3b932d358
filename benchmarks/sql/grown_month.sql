-- Orders that ended in one month: numbers {first} to {until}, which attaching gives their indexes.
DROP TABLE IF EXISTS closed_orders{month};
CREATE TABLE closed_orders{month} (LIKE closed_orders INCLUDING DEFAULTS);
INSERT INTO closed_orders{month}
    (order_no, order_id, partition, stage, holder, partner, customer_id, price_amount, price_currency, opened_at,
     stage_since, stage_recorded_at, revision, anomalies, last_offset, last_recorded_at, opened_by, closed_at)
SELECT n + 1, order_id, partition, CASE WHEN dice(n, 1) % 20 = 0 THEN 'cancelled' ELSE 'closed' END, 'nobody', partner,
       'c-' || dice(n, 2) % ({orders} / 100),
       CASE WHEN dice(n, 3) % 7 > 0 THEN (100 + dice(n, 4) % 200000) / 100.0 END,
       CASE WHEN dice(n, 3) % 7 > 0 THEN CASE WHEN dice(n, 3) % 10 = 0 THEN 'USD' ELSE 'EUR' END END,
       ended - make_interval(secs => 3600 + dice(n, 5) % 2500000), ended - make_interval(secs => dice(n, 6) % 60), ended,
       5, CASE WHEN dice(n, 7) % 50 = 0 THEN 1 ELSE 0 END, n, ended, coalesce('/partners/' || partner, '/shop'), ended
  FROM (SELECT n, order_id, partition, CASE WHEN dice(n, 8) % 3 > 0 THEN 'p' || dice(n, 9) % 40 END AS partner,
               '{begin}'::timestamptz + ('{over}'::timestamptz - '{begin}') * ((n - {first} + 0.5) / ({until} - {first}))
                   AS ended
          FROM drawn
         WHERE n >= {first} AND n < {until}) AS ended;
ALTER TABLE closed_orders ATTACH PARTITION closed_orders{month} FOR VALUES FROM ('{begin}') TO ('{end}')
