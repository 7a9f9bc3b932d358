-- One partition's counts and the latest cards of each lane, or nothing where the partition is not in the cache.
-- KEYS[1] marker; ARGV: how many cards a lane, the generation and the offset that the reader knows already, then the lanes'
-- names. Where the partition still stands there, nothing but its offset and generation is returned: the rest is the same.
local generation = redis.call('HGET', KEYS[1], 'generation')
if not generation then
  return nil
end
local offset = redis.call('HGET', KEYS[1], 'offset')
if generation == ARGV[2] and offset == ARGV[3] then
  return { offset, generation }
end
local base = KEYS[1] .. ':' .. generation .. ':'
local counts = redis.call('HGETALL', base .. 'counts')
if #counts == 0 then
  return nil
end
local lanes = {}
for i = 4, #ARGV do
  local ids = redis.call('ZREVRANGE', base .. 'lane:' .. ARGV[i], 0, tonumber(ARGV[1]) - 1)
  local cards = {}
  for n, id in ipairs(ids) do
    -- An empty string stands for a card that is not there: the reader asks Postgres for it.
    cards[n] = redis.call('GET', base .. 'card:' .. id) or ''
  end
  lanes[i - 3] = cards
end
return { offset, generation, counts, lanes }
