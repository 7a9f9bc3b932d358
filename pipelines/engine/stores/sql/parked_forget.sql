DELETE FROM parked p
 USING unnest($1::bigint[], $2::bigint[]) AS released (order_no, stream_offset)
 WHERE p.order_no = released.order_no AND p.stream_offset = released.stream_offset
