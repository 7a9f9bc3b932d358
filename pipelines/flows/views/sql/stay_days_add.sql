-- Days since 1970 began. Those that come to nothing are left to stay_days_remove: one statement may not do both to a row.
INSERT INTO stay_days AS d (partition, stage, holder, day, orders)
SELECT $1, n.stage, n.holder, date '1970-01-01' + n.day, n.orders
  FROM unnest($2::text[], $3::text[], $4::integer[], $5::bigint[]) AS n (stage, holder, day, orders)
 WHERE NOT EXISTS (SELECT FROM stay_days AS was
                    WHERE was.partition = $1 AND was.stage = n.stage AND was.holder = n.holder
                      AND was.day = date '1970-01-01' + n.day AND was.orders = -n.orders)
    ON CONFLICT (partition, stage, holder, day) DO UPDATE SET orders = d.orders + excluded.orders
