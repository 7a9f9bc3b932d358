-- Finished orders, also those whose month has left to the archive. One statement: a month goes from one table to the other
-- between two of them, and an order found in neither would be taken for a new one.
SELECT * FROM closed_orders WHERE order_no = ANY($1::bigint[])
 UNION ALL
SELECT * FROM archived_orders WHERE order_no = ANY($1::bigint[])
