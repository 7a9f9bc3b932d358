-- What is known of a batch's events. An order is named by its id, or by its number where the owner remembers it.
-- A new order gets a number drawn here, one an event; the first counts, and once the order is entered under it.
-- Of a remembered order's events, those that the ledger does not have are left out.
SELECT a.place::integer - 1 AS place,
       i.order_no,
       CASE WHEN a.order_no IS NULL AND i.order_no IS NULL THEN nextval('order_index_order_no_seq') END AS new_no,
       l.content,
       -- Mostly nothing at all is parked.
       (SELECT EXISTS (SELECT FROM parked)) AND EXISTS (SELECT FROM parked p WHERE p.order_no = i.order_no) AS waits
  FROM unnest($1::ledger_question[]) WITH ORDINALITY AS a (order_id, order_no, identity, place)
  LEFT JOIN order_index i ON i.order_id = a.order_id
  -- One look into the key an event, whatever was known of the table when this was planned: a join would read all of a ledger
  -- that was empty then.
  LEFT JOIN LATERAL (
      SELECT content FROM ledger
       WHERE ledger.order_no = coalesce(a.order_no, i.order_no) AND ledger.identity = a.identity
       LIMIT 1) AS l ON true
 WHERE a.order_no IS NULL OR l.content IS NOT NULL
