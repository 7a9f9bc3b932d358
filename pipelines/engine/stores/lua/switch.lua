-- Make a freshly built generation the one that is read.
-- KEYS[1] marker; ARGV: generation, offset. Never goes back: a slow rebuild by a former owner is thrown away.
local known = redis.call('HMGET', KEYS[1], 'generation', 'offset')
if known[2] and tonumber(known[2]) > tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'offset', ARGV[2])
return 1
