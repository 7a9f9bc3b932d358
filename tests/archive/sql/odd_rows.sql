-- Rows of a month's timeline, from its first moment $1 on, with values at the edges of what there is.
INSERT INTO timeline (order_no, stream_offset, recorded_at, event_time, revision, partition, identity, source, event_id,
                      event_type, stage, holder, held_seconds, anomalies, trace_id, body)
SELECT -9223372036854775808, n, $1::timestamptz + n * interval '1 microsecond', odd.time, 2147483647, -32768, odd.body,
       odd.text, odd.text, '', odd.text, ' ', odd.held, odd.list, nullif(odd.text, ''), odd.body
  FROM (VALUES (1, '0001-01-01 00:00+00'::timestamptz, 'NaN'::float8, '{}'::text[], '', '\x'::bytea),
               (2, '9999-12-31 23:59:59.999999+00', 'Infinity', '{"",NULL,"a,b","\"{}\\"}', E'\u00e9\u0001\n"', '\x00'),
               (3, '1969-12-31 23:59:59.999999+00', '-0', '{NULL}', repeat('x', 100000), decode(repeat('00ff', 150000), 'hex')),
               (4, '2026-03-01 00:00+14', 4.9e-324, '{NULL}', '🗿', '\xffd8'),
               (5, '2026-03-01 00:00+14', NULL, '{a}', 'NULL', '\x4e554c4c')
       ) AS odd (n, time, held, list, text, body)
