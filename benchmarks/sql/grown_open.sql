-- Orders on their way, from number {first} on, opened in the last thirty days; and the timelines of those from {told_from} on.
INSERT INTO open_orders
    (order_no, order_id, partition, stage, holder, partner, customer_id, price_amount, price_currency, opened_at,
     stage_since, stage_recorded_at, revision, anomalies, last_offset, last_recorded_at, opened_by)
SELECT n + 1, order_id, partition, stage, holder, partner, 'c-' || dice(n, 2) % ({orders} / 100),
       CASE WHEN dice(n, 3) % 7 > 0 THEN (100 + dice(n, 4) % 200000) / 100.0 END,
       CASE WHEN dice(n, 3) % 7 > 0 THEN CASE WHEN dice(n, 3) % 10 = 0 THEN 'USD' ELSE 'EUR' END END,
       opened, since, since, 5, CASE WHEN dice(n, 7) % 50 = 0 THEN 1 ELSE 0 END, n, since,
       coalesce('/partners/' || partner, '/shop')
  FROM (SELECT n, order_id, partition, (ARRAY[{stages}])[1 + dice(n, 1) % 9] AS stage, opened,
               CASE WHEN dice(n, 8) % 3 > 0 THEN 'p' || dice(n, 9) % 40 END AS partner,
               opened + ('{now}' - opened) * ((dice(n, 10) % 1000) / 1000.0) AS since
          FROM drawn,
               LATERAL (SELECT '{now}'::timestamptz
                             - interval '30 days' * (({orders} - n)::float / ({orders} - {first})) AS opened) AS moment
         WHERE n >= {first}) AS those
  JOIN (VALUES {holders}) AS holders (stage, holder) USING (stage)
 ORDER BY n;
INSERT INTO timeline
    (order_no, stream_offset, recorded_at, event_time, revision, partition, identity, source, event_id, event_type,
     stage, holder, held_seconds, anomalies, trace_id, body)
SELECT order_no, order_no * 5 + r, at, at, r, partition, uuid_send(gen_random_uuid()), '/shop', r || '-' || order_id,
       'order.note_added.v1', stage, holder, NULL, '{{}}', md5(order_no::text),
       convert_to(json_build_object(
           'specversion', '1.0', 'id', r || '-' || order_id, 'source', '/shop', 'type', 'order.note_added.v1',
           'subject', order_id, 'time', at, 'data', json_build_object('note', repeat('x', 200)))::text, 'UTF8')
  FROM open_orders, generate_series(1, 5) AS r,
       LATERAL (SELECT opened_at + (stage_since - opened_at) * (r / 5.0) AS at) AS moment
 WHERE order_no > {told_from};
INSERT INTO stays SELECT stage, stage_since, order_no FROM open_orders ORDER BY stage, stage_since;
INSERT INTO stay_days
SELECT partition, stage, holder, (stage_since AT TIME ZONE 'UTC')::date, count(*) FROM open_orders GROUP BY 1, 2, 3, 4;
INSERT INTO overdue_days
SELECT partition, stage, holder, day + 2, sum(orders), sum(orders) FROM stay_days GROUP BY 1, 2, 3, 4
