-- Apply one committed batch to a partition's keys; return their generation and the lanes' floors, as pairs.
-- KEYS[1] marker; ARGV: generation, first offset, next offset, lane length, counts (JSON), changes (JSON), channel and
-- what to announce on it once all is there (JSON; empty: nothing).
-- Does and returns nothing unless the marker is of this generation and stands exactly at the batch's first offset:
-- after a flush, an outage or a takeover the partition is rebuilt instead of patched.
local marker = redis.call('HMGET', KEYS[1], 'generation', 'offset')
if marker[1] ~= ARGV[1] or marker[2] ~= ARGV[2] then
  return nil
end
local base = KEYS[1] .. ':' .. marker[1] .. ':'
if redis.call('EXISTS', base .. 'counts') == 0 then
  return nil
end
local floors = {}
local pairs_of_floors = redis.call('HGETALL', base .. 'floors')
for i = 1, #pairs_of_floors, 2 do
  floors[pairs_of_floors[i]] = tonumber(pairs_of_floors[i + 1])
end
local grown = {}
for _, change in ipairs(cjson.decode(ARGV[6])) do
  local id, card, from, to, score = unpack(change)
  local lane = base .. 'lane:' .. to
  if from ~= to and from ~= '' then
    redis.call('ZREM', base .. 'lane:' .. from, id)
  end
  -- A lane holds the latest orders: all above its floor, which is the latest one ever cut off. An order below the floor
  -- may not come in later, or it would stand where a later one, cut off before, belongs. A card is there for as long as
  -- its order stands in a lane, so whoever knows the floors need not send the others.
  local floor = floors[to]
  if not floor or score > floor or redis.call('ZSCORE', lane, id) then
    redis.call('SET', base .. 'card:' .. id, card)
    redis.call('ZADD', lane, score, id)
    grown[to] = lane
  else
    redis.call('UNLINK', base .. 'card:' .. id)
  end
end
for to, lane in pairs(grown) do
  local surplus = redis.call('ZCARD', lane) - tonumber(ARGV[4])
  if surplus > 0 then
    local cut = redis.call('ZRANGE', lane, 0, surplus - 1, 'WITHSCORES')
    redis.call('ZREMRANGEBYRANK', lane, 0, surplus - 1)
    redis.call('HSET', base .. 'floors', to, cut[#cut])
    for i = 1, #cut, 2 do
      redis.call('UNLINK', base .. 'card:' .. cut[i])
    end
  end
end
for field, number in pairs(cjson.decode(ARGV[5])) do
  redis.call('HINCRBY', base .. 'counts', field, number)
end
redis.call('HSET', KEYS[1], 'offset', ARGV[3])
if ARGV[8] ~= '' then
  redis.call('PUBLISH', ARGV[7], ARGV[8])
end
return { marker[1], redis.call('HGETALL', base .. 'floors') }
