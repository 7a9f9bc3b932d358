SELECT order_no, identity, content, partition, stream_offset, parked
  FROM ledger
 WHERE order_no > $1 AND order_no <= $2
