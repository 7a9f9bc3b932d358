UPDATE quarantine q
   SET body = ''
  FROM unnest($1::smallint[], $2::bigint[]) AS named (partition, stream_offset)
 WHERE (q.partition, q.stream_offset) = (named.partition, named.stream_offset)
