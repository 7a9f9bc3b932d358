ALTER TABLE {aside} RENAME TO {partition};
ALTER TABLE timeline ATTACH PARTITION {partition} FOR VALUES FROM ('{begin}') TO ('{end}');
ALTER TABLE {partition} DROP CONSTRAINT bound;
