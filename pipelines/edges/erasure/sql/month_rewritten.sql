UPDATE archived_months SET path = $3, bytes = $4, manifest = $5 WHERE dataset = $1 AND month = $2
