-- Each order's number, id and home, from which all of it is drawn. Indexes come when the rows are there.
SET maintenance_work_mem = '1GB';
CREATE UNLOGGED TABLE drawn (n bigint, order_id text, partition smallint);
CREATE FUNCTION dice(n bigint, salt bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN hashint8extended(n, salt) & 9223372036854775807;
ALTER TABLE order_index DROP CONSTRAINT order_index_pkey;
ALTER TABLE order_index DROP CONSTRAINT order_index_order_no_key;
ALTER TABLE order_items DROP CONSTRAINT order_items_pkey
