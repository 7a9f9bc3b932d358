-- The month leaves the database. Its files are unlinked after commit, when nobody waits any more.
ALTER TABLE timeline DETACH PARTITION {partition};
DROP TABLE {partition};
