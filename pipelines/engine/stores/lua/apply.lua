-- Apply one committed batch to a partition's keys.
-- KEYS[1] marker; ARGV: first offset, next offset, lane length, card seconds, counts (JSON), changes (JSON).
-- Does nothing, and says 0, unless the marker is there and stands exactly at the batch's first offset: after a
-- flush, an outage or a takeover the partition is rebuilt instead of patched.
local marker = redis.call('HMGET', KEYS[1], 'generation', 'offset')
if not marker[1] or marker[2] ~= ARGV[1] then
  return 0
end
local base = KEYS[1] .. ':' .. marker[1] .. ':'
if redis.call('EXISTS', base .. 'counts') == 0 then
  return 0
end
for _, change in ipairs(cjson.decode(ARGV[6])) do
  local id, revision, card, from, to, score = unpack(change)
  local key = base .. 'card:' .. id
  local known = redis.call('HGET', key, 'revision')
  if not known or tonumber(known) < revision then
    redis.call('HSET', key, 'revision', revision, 'card', card)
    redis.call('EXPIRE', key, ARGV[4])
    if from ~= to and from ~= '' then
      redis.call('ZREM', base .. 'lane:' .. from, id)
    end
    -- A lane holds the newest orders: all above its floor, which is the newest one ever cut off. An order below the
    -- floor may not come in later, or it would stand where a newer one, cut off before, belongs.
    local floor = redis.call('HGET', base .. 'floors', to)
    if not floor or score > tonumber(floor) then
      local lane = base .. 'lane:' .. to
      redis.call('ZADD', lane, score, id)
      local surplus = redis.call('ZCARD', lane) - tonumber(ARGV[3])
      if surplus > 0 then
        local cut = redis.call('ZRANGE', lane, 0, surplus - 1, 'WITHSCORES')
        redis.call('ZREMRANGEBYRANK', lane, 0, surplus - 1)
        redis.call('HSET', base .. 'floors', to, cut[#cut])
      end
    end
  end
end
for field, number in pairs(cjson.decode(ARGV[5])) do
  redis.call('HINCRBY', base .. 'counts', field, number)
end
redis.call('HSET', KEYS[1], 'offset', ARGV[2])
return 1
