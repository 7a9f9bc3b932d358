-- The way back of orders_leave.
LOCK TABLE ONLY closed_orders, ONLY archived_orders IN ACCESS EXCLUSIVE MODE;
ALTER TABLE archived_orders DETACH PARTITION {archived};
ALTER TABLE {archived} RENAME TO {partition};
ALTER TABLE closed_orders ATTACH PARTITION {partition} FOR VALUES FROM ('{begin}') TO ('{end}');
ALTER TABLE {partition} DROP CONSTRAINT bound;
