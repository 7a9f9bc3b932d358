-- What every pipeline instance owns, in a schema of its own (`views_v1` for `views@1`).

-- The position of each partition. A batch commits only by moving `next_offset` under the `epoch` it claimed (I5).
-- `backend_pid` and `backend_start` name the owner's connection, so that a takeover can terminate it.
-- The totals count what this instance did with the partition's events since its first.
CREATE TABLE checkpoint (
    partition     smallint PRIMARY KEY,
    next_offset   bigint NOT NULL DEFAULT 0,
    epoch         bigint NOT NULL DEFAULT 0,
    owner         text NOT NULL DEFAULT '',
    backend_pid   integer,
    backend_start timestamptz,
    recorded_at   timestamptz,
    committed_at  timestamptz,
    applied       bigint NOT NULL DEFAULT 0,
    duplicates    bigint NOT NULL DEFAULT 0,
    quarantined   bigint NOT NULL DEFAULT 0,
    parked        bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- Refuses whoever commits without owning the partition; the code is what processors know it by.
CREATE FUNCTION fenced() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the checkpoint has another owner, or stands elsewhere' USING ERRCODE = 'WF001';
END
$$;

-- Every order ever seen, under a short number that keeps its rows together elsewhere.
CREATE TABLE order_index (
    order_id    text PRIMARY KEY,
    order_no    bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    opened_at   timestamptz NOT NULL,
    archived_in text
);

-- One row for every event that took effect or waits, parked: what makes an event count once (I2).
-- `content` is a digest of what it says; another content under the same identity is a conflict.
CREATE TABLE ledger (
    order_no      bigint NOT NULL,
    identity      bytea NOT NULL CHECK (length(identity) = 16),
    content       bigint NOT NULL,
    partition     smallint NOT NULL,
    stream_offset bigint NOT NULL,
    parked        boolean NOT NULL DEFAULT false,
    PRIMARY KEY (order_no, identity)
);

-- The ledger's rows as processors write them. A type of its own, so that the table may get further columns while an
-- older release runs.
CREATE TYPE ledger_row AS (
    order_no      bigint,
    identity      bytea,
    content       bigint,
    partition     smallint,
    stream_offset bigint,
    parked        boolean
);

-- An event as the ledger is asked for it: its order's id, or its number where that is known.
CREATE TYPE ledger_question AS (
    order_id text,
    order_no bigint,
    identity bytea
);

-- Events that may not take effect. The log has them too; here they can be seen and acted upon.
CREATE TABLE quarantine (
    partition      smallint NOT NULL,
    stream_offset  bigint NOT NULL,
    reason         text NOT NULL,
    detail         text NOT NULL,
    source         text,
    event_id       text,
    event_type     text,
    subject        text,
    body           bytea NOT NULL,
    recorded_at    timestamptz NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, stream_offset)
);

-- Events of orders our own code could not go on with, in stream order, waiting for a release.
CREATE TABLE parked (
    order_no      bigint NOT NULL,
    stream_offset bigint NOT NULL,
    partition     smallint NOT NULL,
    identity      bytea NOT NULL,
    reason        text NOT NULL,
    body          bytea NOT NULL,
    recorded_at   timestamptz NOT NULL,
    parked_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_no, stream_offset)
);

-- Make the partition of `parent` for the month of `day` if it is missing. Built aside and attached, so that readers
-- and writers of the other months wait for nothing. There is no default partition: it would forbid detaching
-- concurrently.
CREATE FUNCTION ensure_month(parent text, day timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first_day timestamp := date_trunc('month', day AT TIME ZONE 'UTC');
    from_time timestamptz := first_day AT TIME ZONE 'UTC';
    to_time   timestamptz := (first_day + interval '1 month') AT TIME ZONE 'UTC';
    child     text := parent || '_' || to_char(first_day, 'YYYY_MM');
    key       text;
BEGIN
    IF to_regclass(format('%I', child)) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || '.' || parent, 0));
    -- Whoever had the lock may have made it. The catalogue is asked, as to_regclass may answer from a stale cache.
    IF EXISTS (SELECT FROM pg_class WHERE relname = child AND relnamespace = current_schema()::regnamespace) THEN
        RETURN;
    END IF;
    SELECT a.attname INTO STRICT key
      FROM pg_partitioned_table p
      JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
     WHERE p.partrelid = to_regclass(format('%I', parent));
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
    -- The check lets ATTACH skip its scan; it repeats the partition bound, so it goes again at once.
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT bound CHECK (%I IS NOT NULL AND %I >= %L AND %I < %L)',
                   child, key, key, from_time, key, to_time);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, from_time, to_time);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT bound', child);
END
$$;
