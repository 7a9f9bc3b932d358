-- Partitions of this month and the next one that are not there.
SELECT wanted.child AS month
  FROM unnest(ARRAY['timeline', 'closed_orders']) AS parent
 CROSS JOIN generate_series(0, 1) AS ahead
 CROSS JOIN LATERAL (
     SELECT parent || to_char((now() AT TIME ZONE 'UTC') + make_interval(months => ahead), '_YYYY_MM') AS child
 ) AS wanted
 WHERE to_regclass(quote_ident(wanted.child)) IS NULL
 ORDER BY wanted.child
