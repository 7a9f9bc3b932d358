-- One order's card, or nothing. KEYS[1] marker; ARGV: order id.
local generation = redis.call('HGET', KEYS[1], 'generation')
if not generation then
  return nil
end
return redis.call('GET', KEYS[1] .. ':' .. generation .. ':card:' .. ARGV[1])
