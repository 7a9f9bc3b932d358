-- Which pipeline versions exist and which one readers should use. Lives in schema `warren`.
CREATE TABLE pipelines (
    name         text PRIMARY KEY,
    live_version integer NOT NULL CHECK (live_version > 0),
    changed_at   timestamptz NOT NULL DEFAULT now()
);
