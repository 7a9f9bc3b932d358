SELECT l.order_no, l.identity, l.content
  FROM unnest($1::bigint[], $2::bytea[]) AS asked (order_no, identity)
  JOIN ledger l USING (order_no, identity)
