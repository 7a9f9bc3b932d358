UPDATE parked p
   SET reason = n.reason
  FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS n (order_no, stream_offset, reason)
 WHERE p.order_no = n.order_no AND p.stream_offset = n.stream_offset
