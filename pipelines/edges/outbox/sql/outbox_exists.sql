SELECT to_regclass('warren_outbox.outbox') IS NOT NULL
