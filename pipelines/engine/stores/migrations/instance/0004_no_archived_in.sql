-- Nothing ever wrote it: which months of an order have left follows from its times.
ALTER TABLE order_index DROP COLUMN archived_in;
