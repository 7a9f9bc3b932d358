-- Orders the views know, on their way and finished.
SELECT (SELECT count(*) FROM open_orders) + (SELECT count(*) FROM closed_orders)
       + (SELECT count(*) FROM archived_orders)
