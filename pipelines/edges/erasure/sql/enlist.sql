INSERT INTO warren.erased (customer, requested_by) VALUES ($1, $2) ON CONFLICT (customer) DO NOTHING RETURNING true
