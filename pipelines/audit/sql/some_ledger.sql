SELECT order_no, identity, content, partition, stream_offset, parked FROM ledger WHERE order_no = ANY($1::bigint[])
