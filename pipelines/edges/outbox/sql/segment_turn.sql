-- Let the next segment take the new events, if it is empty and the one whose turn it is has some.
UPDATE outbox
   SET segment = (segment + 1) % 4
 WHERE EXISTS (SELECT FROM event e WHERE e.segment = outbox.segment)
   AND NOT EXISTS (SELECT FROM event e WHERE e.segment = (outbox.segment + 1) % 4)
