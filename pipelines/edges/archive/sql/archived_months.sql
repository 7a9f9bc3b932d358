SELECT dataset, month, path, rows, bytes AS size, manifest, archived_at FROM archived_months ORDER BY month, dataset
