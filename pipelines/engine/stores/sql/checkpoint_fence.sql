-- First statement of a batch: wait for no one but a former owner, and learn at once if we are one.
SELECT true FROM checkpoint WHERE partition = $1 AND epoch = $2 AND next_offset = $3 FOR UPDATE
