SELECT name, role, disabled, created_at, changed_at FROM accounts ORDER BY name
