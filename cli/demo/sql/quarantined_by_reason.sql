SELECT reason, count(*) AS messages FROM quarantine GROUP BY reason
