-- The timeline of those that ended in the month from number {told_from} on, all of it recorded in the month.
DROP TABLE IF EXISTS timeline{month};
CREATE TABLE timeline{month} (LIKE timeline INCLUDING DEFAULTS);
INSERT INTO timeline{month}
    (order_no, stream_offset, recorded_at, event_time, revision, partition, identity, source, event_id, event_type,
     stage, holder, held_seconds, anomalies, trace_id, body)
SELECT order_no, order_no * 5 + r, at, at, r, partition, uuid_send(gen_random_uuid()), source, name || '-' || order_id,
       'order.' || name || '.v1', name, next, CASE WHEN r > 1 THEN 3600 END, '{{}}', md5(order_no::text),
       convert_to(json_build_object(
           'specversion', '1.0', 'id', name || '-' || order_id, 'source', source, 'type', 'order.' || name || '.v1',
           'subject', order_id, 'time', at, 'datacontenttype', 'application/json',
           'traceparent', '00-' || md5(order_no::text) || '-' || left(md5(r::text), 16) || '-01',
           'data', json_build_object('operator', 'op-' || order_no % 50, 'workshop', 'w' || order_no % 9,
                                     'note', md5(at::text) || repeat('x', 60 + (order_no % 90)::int)))::text, 'UTF8')
  FROM closed_orders{month},
       LATERAL (VALUES (1, 'initiated', '/shop', 'shop'), (2, 'manufacturing_approved', '/crm', 'mes'),
                       (3, 'manufacturing_started', '/mes', 'mes'), (4, 'shipped', '/mes', 'crm'),
                       (5, 'closed', '/crm', 'nobody')) AS steps (r, name, source, next),
       LATERAL (SELECT '{begin}'::timestamptz + (closed_at - '{begin}') * (r / 5.0) AS at) AS moment
 WHERE order_no > {told_from}
 ORDER BY order_no % 1000, order_no, r;
ALTER TABLE timeline ATTACH PARTITION timeline{month} FOR VALUES FROM ('{begin}') TO ('{end}')
