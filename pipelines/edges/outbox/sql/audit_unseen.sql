-- The places of those events that the ledger does not have.
SELECT a.place::integer - 1 AS place
  FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS a (order_id, identity, place)
 WHERE NOT EXISTS (SELECT
                     FROM order_index i
                     JOIN ledger l ON l.order_no = i.order_no
                    WHERE i.order_id = a.order_id AND l.identity = a.identity)
 ORDER BY a.place
