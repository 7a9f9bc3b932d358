SELECT stage, partner, orders FROM counts WHERE partition = $1
