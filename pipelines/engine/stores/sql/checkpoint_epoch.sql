SELECT epoch FROM checkpoint WHERE partition = $1
