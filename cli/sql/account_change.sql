-- Change what is given of account $1. Its sessions end by the new changed_at.
UPDATE accounts
   SET password = coalesce($2, password), role = coalesce($3, role), disabled = coalesce($4, disabled), changed_at = now()
 WHERE name = $1
RETURNING name
