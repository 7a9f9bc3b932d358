SELECT line, cells, problem FROM joined WHERE label = ? AND key = ? ORDER BY line
