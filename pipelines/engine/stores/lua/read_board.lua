-- One partition's counts and the latest cards of each lane, or nothing where the partition is not in the cache.
-- KEYS[1] marker; ARGV: how many cards a lane, then the lanes' names.
local generation = redis.call('HGET', KEYS[1], 'generation')
if not generation then
  return nil
end
local base = KEYS[1] .. ':' .. generation .. ':'
local counts = redis.call('HGETALL', base .. 'counts')
if #counts == 0 then
  return nil
end
local lanes = {}
for i = 2, #ARGV do
  local ids = redis.call('ZREVRANGE', base .. 'lane:' .. ARGV[i], 0, tonumber(ARGV[1]) - 1)
  local cards = {}
  for n, id in ipairs(ids) do
    -- An empty string stands for a card that is not there: the reader asks Postgres for it.
    cards[n] = redis.call('GET', base .. 'card:' .. id) or ''
  end
  lanes[i - 1] = cards
end
return { redis.call('HGET', KEYS[1], 'offset'), counts, lanes }
