SELECT partition, next_offset, recorded_at FROM checkpoint
