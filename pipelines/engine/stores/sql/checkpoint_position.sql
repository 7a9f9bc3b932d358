SELECT next_offset FROM checkpoint WHERE partition = $1
