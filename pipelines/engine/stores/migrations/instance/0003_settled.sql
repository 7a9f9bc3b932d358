-- What operators have done about a message in quarantine: event `by_offset` of order `order_no` says so; `how` is NULL
-- while it waits. That event may be of a partition that is read before the message's own: then the row is there first,
-- without a reason.
ALTER TABLE quarantine
    ADD COLUMN how        text,
    ADD COLUMN author     text,
    ADD COLUMN order_no   bigint,
    ADD COLUMN by_offset  bigint,
    ADD COLUMN settled_at timestamptz;

CREATE INDEX quarantine_waiting ON quarantine (quarantined_at DESC, partition, stream_offset DESC)
    WHERE how IS NULL AND reason <> '';
