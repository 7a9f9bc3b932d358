-- The shop's own tables. Its outbox is a schema beside them, made by `warren outbox install`.

CREATE SEQUENCE order_number START 1001;

CREATE TABLE orders (
    id              text PRIMARY KEY DEFAULT 'S-' || nextval('order_number'),
    idempotency_key text NOT NULL UNIQUE,
    customer_id     text NOT NULL,
    items           jsonb,
    placed_at       timestamptz NOT NULL DEFAULT now(),
    submitted_at    timestamptz
);
