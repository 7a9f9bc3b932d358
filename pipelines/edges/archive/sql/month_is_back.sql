DELETE FROM archived_months WHERE dataset = $1 AND month = $2
