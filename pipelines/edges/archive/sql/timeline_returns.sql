-- Nobody may read the timeline across this moment: what he finds in both places would count twice.
LOCK TABLE ONLY timeline IN ACCESS EXCLUSIVE MODE;
ALTER TABLE {aside} RENAME TO {partition};
ALTER TABLE timeline ATTACH PARTITION {partition} FOR VALUES FROM ('{begin}') TO ('{end}');
ALTER TABLE {partition} DROP CONSTRAINT bound;
