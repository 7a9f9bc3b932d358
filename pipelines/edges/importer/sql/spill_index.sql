-- Made once all rows are in: sorting them once is far cheaper than keeping them sorted.
CREATE INDEX joined_by_key ON joined (label, key, line)
