-- Byte by byte, so that one index finds an id and all that begin with something.
ALTER TABLE order_index ALTER COLUMN order_id TYPE text COLLATE "C";
