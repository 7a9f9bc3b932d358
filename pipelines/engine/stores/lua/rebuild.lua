-- Put a partition, as the tables have it, in place of whatever is there; all at once, so nobody sees half of it and
-- no flush comes between.
-- KEYS[1] marker; ARGV: generation, offset, counts (JSON), cards (JSON), floors (JSON).
local old = redis.call('HGET', KEYS[1], 'generation')
if old then
  local gone = KEYS[1] .. ':' .. old .. ':'
  for _, field in ipairs(redis.call('HKEYS', gone .. 'counts')) do
    local lane = gone .. 'lane:' .. string.match(field, '^([^|]*)|')
    for _, id in ipairs(redis.call('ZRANGE', lane, 0, -1)) do
      redis.call('UNLINK', gone .. 'card:' .. id)
    end
    redis.call('UNLINK', lane)
  end
  redis.call('UNLINK', gone .. 'counts', gone .. 'floors')
end
local base = KEYS[1] .. ':' .. ARGV[1] .. ':'
for _, row in ipairs(cjson.decode(ARGV[4])) do
  local id, card, lane, score = unpack(row)
  redis.call('SET', base .. 'card:' .. id, card)
  redis.call('ZADD', base .. 'lane:' .. lane, score, id)
end
-- The first field is no count: it shows that the hash is there, also where there is nothing to count.
redis.call('HSET', base .. 'counts', '|', 0)
for field, number in pairs(cjson.decode(ARGV[3])) do
  redis.call('HSET', base .. 'counts', field, number)
end
for lane, floor in pairs(cjson.decode(ARGV[5])) do
  redis.call('HSET', base .. 'floors', lane, floor)
end
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'offset', ARGV[2])
return 1
