-- The month goes to the archived orders, as it is: no row is copied or read. Both tables are locked first, in the sequence
-- in which a batch names them, so that a batch finds an order in one of them.
LOCK TABLE ONLY closed_orders, ONLY archived_orders IN ACCESS EXCLUSIVE MODE;
ALTER TABLE closed_orders DETACH PARTITION {partition};
ALTER TABLE {partition} RENAME TO {archived};
ALTER TABLE archived_orders ATTACH PARTITION {archived} FOR VALUES FROM ('{begin}') TO ('{end}');
ALTER TABLE {archived} DROP CONSTRAINT bound;
-- The indexes that have found no parent there.
DO $$
DECLARE
    index regclass;
BEGIN
    FOR index IN SELECT indexrelid FROM pg_index
                  WHERE indrelid = '{archived}'::regclass
                    AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = indexrelid) LOOP
        EXECUTE format('DROP INDEX %s', index);
    END LOOP;
END
$$;
