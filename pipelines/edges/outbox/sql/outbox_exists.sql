-- Whether there is one, also for a role that may not use it.
SELECT EXISTS (SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                WHERE nspname = 'warren_outbox' AND relname = 'outbox')
