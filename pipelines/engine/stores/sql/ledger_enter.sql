INSERT INTO ledger (order_no, identity, content, partition, stream_offset, parked)
SELECT e.* FROM unnest($1::ledger_row[]) AS e
