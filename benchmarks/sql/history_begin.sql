ALTER TABLE ledger DROP CONSTRAINT ledger_pkey;
ALTER TABLE order_index DROP CONSTRAINT order_index_pkey;
ALTER TABLE order_index DROP CONSTRAINT order_index_order_no_key;
