-- Messages that may name a customer, also by a member whose name is spelled in escapes; and those of orders $1.
SELECT partition, stream_offset, body, theirs
  FROM (SELECT *, subject IN (SELECT order_id FROM order_index WHERE order_no = ANY($1::bigint[])) IS TRUE AS theirs
          FROM quarantine WHERE body <> '') AS q
 WHERE theirs OR position('"customer_id"'::bytea IN body) > 0 OR position('\x5c'::bytea IN body) > 0
