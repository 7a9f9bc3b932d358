SELECT pg_advisory_unlock(1463898707, 2)
