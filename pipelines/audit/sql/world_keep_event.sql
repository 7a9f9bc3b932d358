INSERT INTO events (number, identity, content, stream_offset, recorded_ms, source, event_id, event_type, readable,
                    body, stage, partner, amount, currency)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
