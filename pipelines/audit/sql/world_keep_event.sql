INSERT INTO events (number, identity, content, stream_offset, recorded_ms, source, event_id, event_type, event_us,
                    trace_id, readable, body, stage, partner, amount, currency, settles, customer)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
