-- What is known of a batch's events. An order is named by its id, or by its number where the owner remembers it.
-- A new order gets a number drawn here, one an event; the first counts, and once the order is entered under it.
-- Of a remembered order's events, those that the ledger does not have are left out.
SELECT a.place::integer - 1 AS place,
       i.order_no,
       CASE WHEN a.order_no IS NULL AND i.order_no IS NULL THEN nextval('order_index_order_no_seq') END AS new_no,
       l.content,
       p.waits
  FROM unnest($1::text[], $2::bigint[], $3::bytea[]) WITH ORDINALITY AS a (order_id, order_no, identity, place)
  LEFT JOIN order_index i ON i.order_id = a.order_id
  LEFT JOIN ledger l ON l.order_no = coalesce(a.order_no, i.order_no) AND l.identity = a.identity
  LEFT JOIN LATERAL (SELECT true AS waits FROM parked WHERE parked.order_no = i.order_no LIMIT 1) AS p ON true
 WHERE a.order_no IS NULL OR l.content IS NOT NULL
