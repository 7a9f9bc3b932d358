DELETE FROM stay_hours h
 USING unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS n (stage, holder, hour, orders)
 WHERE h.partition = $1 AND h.stage = n.stage AND h.holder = n.holder AND h.hour = to_timestamp(n.hour)
   AND h.orders = -n.orders
