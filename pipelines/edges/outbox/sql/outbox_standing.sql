-- Whose outbox this is, and whether it is still in the database it was in.
SELECT outbox_id, source, home, bound_to, generation,
       (SELECT system_identifier FROM pg_control_system())
       || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS here
  FROM outbox
