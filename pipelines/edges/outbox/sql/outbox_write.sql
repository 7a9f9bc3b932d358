INSERT INTO outbox (outbox_id, source, may_not_send, subjects, home)
VALUES ($1, $2, $3, $4, (SELECT system_identifier FROM pg_control_system())
                        || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()))
    ON CONFLICT (one) DO UPDATE SET may_not_send = excluded.may_not_send
