INSERT INTO archived_months (dataset, month, path, rows, bytes, manifest) VALUES ($1, $2, $3, $4, $5, $6)
