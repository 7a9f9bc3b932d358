SELECT order_no, stream_offset, partition, identity, substr(sha256(body), 1, 8) AS body
  FROM parked
 WHERE order_no > $1 AND order_no <= $2
