-- Events that may name the customer. $2 is the id's bytes; where there is a backslash it may be written otherwise.
SELECT order_no, body
  FROM timeline
 WHERE event_type = ANY($1::text[]) AND (position($2::bytea IN body) > 0 OR position('\x5c'::bytea IN body) > 0)
