INSERT INTO accounts (name, password, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING name
