SELECT partition, next_offset FROM checkpoint
