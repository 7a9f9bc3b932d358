-- Whoever owns a partition finds himself fenced, and reads the list when he claims it anew.
UPDATE checkpoint SET epoch = epoch + 1
