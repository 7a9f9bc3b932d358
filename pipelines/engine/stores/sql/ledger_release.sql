UPDATE ledger l
   SET parked = false
  FROM unnest($1::bigint[], $2::bytea[]) AS released (order_no, identity)
 WHERE l.order_no = released.order_no AND l.identity = released.identity
