-- A service's outbox: events written in the service's own transactions, and how far the relay has published them.
-- For PostgreSQL 12 and newer, without extensions. docs/outbox.md tells how it works.

-- Whose outbox this is. `home` is the database it was made or last relayed in, `bound_to` the streams it publishes to;
-- when either changes, a new `generation` begins, and with it a new producer name whose publishing ids start anew.
CREATE TABLE outbox (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    outbox_id    text NOT NULL,
    source       text NOT NULL,
    may_not_send text[] NOT NULL,
    subjects     text NOT NULL,
    segment      smallint NOT NULL DEFAULT 0,
    home         text NOT NULL,
    bound_to     text NOT NULL DEFAULT '',
    generation   integer NOT NULL DEFAULT 1
);

CREATE SEQUENCE event_seq;

-- The events. `seq` orders them, `xid` is the transaction that wrote them. Rows go by whole segments, which take turns;
-- all of them are always there, so that no service's transaction ever fails for want of one.
CREATE TABLE event (
    seq        bigint NOT NULL DEFAULT nextval('event_seq'),
    xid        bigint NOT NULL DEFAULT txid_current(),
    segment    smallint NOT NULL,
    subject    text NOT NULL,
    id         text NOT NULL,
    type       text NOT NULL,
    body       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) PARTITION BY LIST (segment);

CREATE TABLE event_0 PARTITION OF event FOR VALUES IN (0);
CREATE TABLE event_1 PARTITION OF event FOR VALUES IN (1);
CREATE TABLE event_2 PARTITION OF event FOR VALUES IN (2);
CREATE TABLE event_3 PARTITION OF event FOR VALUES IN (3);

CREATE INDEX event_by_seq ON event (seq);
CREATE INDEX event_by_xid ON event (xid, seq);

-- A few bulk loads, and the planner would believe that any transaction has a good part of all events, and look for one's
-- events by reading all of them in order.
ALTER TABLE event_0 ALTER COLUMN xid SET (n_distinct = -1);
ALTER TABLE event_1 ALTER COLUMN xid SET (n_distinct = -1);
ALTER TABLE event_2 ALTER COLUMN xid SET (n_distinct = -1);
ALTER TABLE event_3 ALTER COLUMN xid SET (n_distinct = -1);

-- What the relay has given publishing ids. The events of a window are those that `to_snapshot` sees and
-- `from_snapshot` does not, by `seq`; a batch is the piece of a window with `after_seq` < seq <= `last_seq`, and its
-- events of stream partition p have ids from `first_ids[p]` on. So a batch can be read again exactly as it was.
-- `floor` and `ceiling` bound the scan: what `from_snapshot` neither sees nor lists was written above the one, and the
-- window has nothing above the other; `next_floor` is the next window's floor. Only unconfirmed batches and the newest are
-- kept; `next_ids` is set when that one is confirmed.
CREATE TABLE batch (
    number        bigint PRIMARY KEY,
    from_snapshot txid_snapshot NOT NULL,
    to_snapshot   txid_snapshot NOT NULL,
    floor         bigint NOT NULL,
    ceiling       bigint NOT NULL,
    next_floor    bigint NOT NULL,
    after_seq     bigint NOT NULL,
    last_seq      bigint NOT NULL,
    complete      boolean NOT NULL,
    events        integer NOT NULL,
    first_ids     bigint[] NOT NULL,
    next_ids      bigint[]
);

-- Events that are not confirmed yet, and not all known to be unpublished. Sees committed ones only. Each part reads by an
-- index, however many confirmed events there are: those of transactions that a snapshot lists as running, those of
-- transactions that began after the window was cut, and the rest of the window.
CREATE VIEW pending AS
WITH oldest AS (
    SELECT *, next_ids IS NOT NULL AND complete AS done,
           CASE WHEN next_ids IS NULL THEN after_seq ELSE last_seq END AS confirmed_seq
      FROM batch
     ORDER BY next_ids IS NOT NULL, number
     LIMIT 1
)
SELECT e.seq, e.xid, e.subject, e.id, e.type, e.created_at
  FROM event e
 WHERE NOT EXISTS (SELECT FROM batch)
UNION ALL
SELECT e.seq, e.xid, e.subject, e.id, e.type, e.created_at
  FROM oldest
  JOIN event e ON e.xid = ANY (ARRAY(SELECT txid_snapshot_xip(from_snapshot) FROM oldest
                                     UNION SELECT txid_snapshot_xip(to_snapshot) FROM oldest))
 WHERE NOT (txid_visible_in_snapshot(e.xid, oldest.to_snapshot)
            AND (oldest.done OR e.seq <= oldest.confirmed_seq))
UNION ALL
SELECT e.seq, e.xid, e.subject, e.id, e.type, e.created_at
  FROM event e
 WHERE e.xid >= (SELECT txid_snapshot_xmax(to_snapshot) FROM oldest)
UNION ALL
SELECT e.seq, e.xid, e.subject, e.id, e.type, e.created_at
  FROM oldest
  JOIN event e ON e.seq > greatest(oldest.floor, oldest.confirmed_seq) AND e.seq <= oldest.ceiling
 WHERE NOT oldest.done
   AND e.xid >= txid_snapshot_xmax(oldest.from_snapshot)
   AND txid_visible_in_snapshot(e.xid, oldest.to_snapshot);

-- Advisory locks, by class and object: an order being written (its hash), and the relay's (1: works, 2: is awake).
CREATE FUNCTION publish(
    subject     text,
    type        text,
    data        jsonb DEFAULT '{}',
    id          text DEFAULT NULL,
    "time"      timestamptz DEFAULT NULL,
    traceparent text DEFAULT NULL
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    outbox record;
    place  bigint;
    said   text := data;
    body   text;
    bytes  bytea;
    digits integer := 0;
BEGIN
    SELECT * INTO outbox FROM warren_outbox.outbox;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'outbox: it is not known whose this is; run `warren outbox install` once more'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF subject IS NULL OR length(subject) NOT BETWEEN 1 AND 128 OR subject ~ E'[\\u0001-\\u0020\\u007f/?#]'
       OR subject IN ('.', '..') THEN
        RAISE EXCEPTION 'outbox: subject %: an order id is text of 1 to 128 characters, without white space, '
            'control characters, /, ? and #', coalesce(to_json(left(subject, 200))::text, 'null')
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT starts_with(subject, outbox.subjects) THEN
        RAISE EXCEPTION 'outbox: subject %: % may speak only of orders named %...',
            to_json(subject), outbox.source, outbox.subjects USING ERRCODE = 'invalid_parameter_value';
    ELSIF type IS NULL OR length(type) NOT BETWEEN 1 AND 128 OR type ~ E'[^\\u0021-\\u007e]' THEN
        RAISE EXCEPTION 'outbox: type %: an event type is 1 to 128 printable ASCII characters, without white space, '
            'such as order.submitted.v1', coalesce(to_json(left(type, 200))::text, 'null')
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF data IS NULL OR jsonb_typeof(data) <> 'object' THEN
        RAISE EXCEPTION 'outbox: data is %, and must be a JSON object', coalesce(jsonb_typeof(data), 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF length(id) NOT BETWEEN 1 AND 256 OR id ~ E'[\\u0001-\\u001f\\u007f]' THEN
        RAISE EXCEPTION 'outbox: id %: an event id is text of 1 to 256 characters, without control characters',
            to_json(left(id, 300)) USING ERRCODE = 'invalid_parameter_value';
    ELSIF "time" < '0001-01-01 00:00:00+00' OR "time" >= '10000-01-01 00:00:00+00' THEN
        RAISE EXCEPTION 'outbox: time is %: when did it happen? Years from 1 to 9999 are understood', "time"
            USING ERRCODE = 'invalid_parameter_value';
    ELSIF traceparent !~ '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' THEN
        RAISE EXCEPTION 'outbox: traceparent %: see https://www.w3.org/TR/trace-context/',
            to_json(left(traceparent, 100)) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF split_part(type, '.', 2) = ANY (outbox.may_not_send) AND type ~ '^order[.][a-z_]+[.]v[1-9][0-9]*$' THEN
        RAISE EXCEPTION 'outbox: % may not send %', outbox.source, type USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- One order's events are written one transaction after another: what commits later has the greater seq. The
    -- transaction gets its number before the event gets its own, which the relay relies on.
    PERFORM pg_advisory_xact_lock(1463898706, hashtext(subject));
    PERFORM txid_current();
    place := nextval('warren_outbox.event_seq');
    id := coalesce(id, md5(concat_ws(' ', outbox.outbox_id, place, clock_timestamp(), txid_current(),
                                     pg_backend_pid(), random()))::uuid::text);
    body := concat(
        '{"specversion":"1.0","id":', to_json(id), ',"source":', to_json(outbox.source), ',"type":', to_json(type),
        ',"subject":', to_json(subject), ',"time":"',
        to_char(coalesce("time", clock_timestamp()) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        '","datacontenttype":"application/json"', ',"traceparent":"' || traceparent || '"', ',"data":', said, '}');
    -- The relay reads UTF-8; SQL_ASCII takes any bytes, and other encodings have characters that Unicode lacks.
    IF getdatabaseencoding() = 'UTF8' THEN
        bytes := convert_to(body, 'UTF8');
    ELSE
        BEGIN
            bytes := convert_to(body, 'UTF8');
        EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
            RAISE EXCEPTION 'outbox: the event has text that cannot be written in UTF-8: %', SQLERRM
                USING ERRCODE = 'invalid_parameter_value';
        END;
    END IF;
    IF octet_length(bytes) > 262144 THEN
        RAISE EXCEPTION 'outbox: an event of % bytes; 262144 are allowed: keep files elsewhere and send their address',
            octet_length(bytes) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Readers hold numbers as doubles. jsonb writes them without exponents: what is beyond a double has 309 digits, of
    -- which a look at every 60th byte meets five in a row. Only then is it worth looking at all numbers.
    IF octet_length(said) > 308 THEN
        FOR spot IN 0 .. octet_length(bytes) - 1 BY 60 LOOP
            digits := CASE WHEN get_byte(bytes, spot) BETWEEN 48 AND 57 THEN digits + 1 ELSE 0 END;
            EXIT WHEN digits = 5;
        END LOOP;
        IF digits = 5 AND jsonb_path_exists(
            data, 'strict $.** ? (@ >= 1.7976931348623158e308 || @ <= -1.7976931348623158e308)') THEN
            RAISE EXCEPTION 'outbox: data has a number beyond 1.8e308, the largest there can be: send it as a string'
                USING ERRCODE = 'invalid_parameter_value';
        ELSIF octet_length(said) > 508 AND jsonb_path_exists(
            data, 'strict $.**{254 to last} ? (@.type() == "object" || @.type() == "array")') THEN
            RAISE EXCEPTION 'outbox: data is nested more than 254 deep' USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END IF;
    INSERT INTO warren_outbox.event (seq, segment, subject, id, type, body)
    VALUES (place, outbox.segment, subject, id, type, body);
    -- A relay that is awake looks by itself. Notifications make transactions commit one by one.
    IF pg_try_advisory_lock_shared(1463898707, 2) THEN
        PERFORM pg_advisory_unlock_shared(1463898707, 2);
        PERFORM pg_notify('warren_outbox', '');
    END IF;
    RETURN id;
END
$$;

-- USAGE of the schema is all a service's role needs, and all that keeps others out.
GRANT EXECUTE ON FUNCTION publish TO PUBLIC;
GRANT SELECT ON pending TO PUBLIC;

COMMENT ON FUNCTION publish IS
    'Write one order event in this transaction; the relay publishes it after the commit. Returns the event''s id.';
