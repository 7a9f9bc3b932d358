-- Asked before anything else of its statement runs: if the checkpoint did not move, this raises, and nothing happens.
SELECT CASE WHEN EXISTS (SELECT FROM checkpoint_advance) THEN true ELSE fenced() END
