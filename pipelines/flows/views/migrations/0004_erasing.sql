-- Orders that an erasure has found and is taking out, until it has: to whoever reads a row of them, they are an erased
-- customer's already. Written together with the next epoch of every partition.
CREATE TABLE erasing (
    order_no bigint PRIMARY KEY
);
