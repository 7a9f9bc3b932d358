INSERT INTO timeline (order_no, stream_offset, recorded_at, event_time, revision, partition, identity, source,
                      event_id, event_type, stage, holder, held_seconds, anomalies, trace_id, body)
SELECT n.* FROM unnest($1::timeline_row[]) AS n
