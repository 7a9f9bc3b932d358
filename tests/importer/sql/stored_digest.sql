-- Everything a second import must leave as it is, as one digest per table.
SELECT (SELECT md5(string_agg(concat_ws('|', order_no, encode(identity, 'hex'), content, stream_offset, parked), ',' ORDER BY order_no, identity)) FROM ledger) AS ledger,
       (SELECT md5(string_agg(t::text, ',' ORDER BY order_no, stream_offset)) FROM timeline t) AS timeline,
       (SELECT md5(string_agg(o::text, ',' ORDER BY order_no)) FROM open_orders o) AS open_orders,
       (SELECT md5(string_agg(c::text, ',' ORDER BY order_no)) FROM closed_orders c) AS closed_orders,
       (SELECT md5(string_agg(n::text, ',' ORDER BY partition, stage, partner)) FROM counts n) AS counts
