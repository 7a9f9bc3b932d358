DELETE FROM stay_days d
 USING unnest($2::text[], $3::text[], $4::integer[], $5::bigint[]) AS n (stage, holder, day, orders)
 WHERE d.partition = $1 AND d.stage = n.stage AND d.holder = n.holder AND d.day = date '1970-01-01' + n.day
   AND d.orders = -n.orders
