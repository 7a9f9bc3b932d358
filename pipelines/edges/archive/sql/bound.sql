-- What lets ATTACH skip its scan. Not valid yet: to say that it holds needs no lock anybody waits for.
ALTER TABLE {partition} ADD CONSTRAINT bound
    CHECK (closed_at IS NOT NULL AND closed_at >= '{begin}' AND closed_at < '{end}') NOT VALID
