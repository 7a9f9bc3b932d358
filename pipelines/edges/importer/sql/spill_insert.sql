INSERT INTO joined (label, key, line, cells, problem) VALUES (?, ?, ?, ?, ?)
