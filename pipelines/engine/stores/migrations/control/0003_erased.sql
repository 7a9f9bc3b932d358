-- Customers who asked to be forgotten, as digests of their ids (`schemas.erasure`). For ever: whoever folds the log reads
-- it first. Nothing of a customer whose `finished_at` is set is left in tables, archive and hot cache.
CREATE TABLE erased (
    customer     bytea PRIMARY KEY CHECK (length(customer) = 32),
    requested_at timestamptz NOT NULL DEFAULT now(),
    requested_by text NOT NULL,
    finished_at  timestamptz
);
