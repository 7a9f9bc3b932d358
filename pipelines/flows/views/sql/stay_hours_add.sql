-- Hours as the Unix time of their beginning. Those that come to nothing are left to stay_hours_remove: one statement may not
-- do both to a row.
INSERT INTO stay_hours AS h (partition, stage, holder, hour, orders)
SELECT $1, n.stage, n.holder, to_timestamp(n.hour), n.orders
  FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS n (stage, holder, hour, orders)
 WHERE NOT EXISTS (SELECT FROM stay_hours AS was
                    WHERE was.partition = $1 AND was.stage = n.stage AND was.holder = n.holder
                      AND was.hour = to_timestamp(n.hour) AND was.orders = -n.orders)
    ON CONFLICT (partition, stage, holder, hour) DO UPDATE SET orders = h.orders + excluded.orders
