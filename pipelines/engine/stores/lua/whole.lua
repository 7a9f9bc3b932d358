-- The generation and the lanes' floors, as pairs, where the partition's keys stand at ARGV[1], no lane has run dry while
-- it should have more cards, no card that a reader may ask for is missing, and each lane that does not hold all of its
-- orders has its floor; else nothing.
-- KEYS[1] marker; ARGV: offset, how many cards a reader may ask of a lane.
local marker = redis.call('HMGET', KEYS[1], 'generation', 'offset')
if not marker[1] or marker[2] ~= ARGV[1] then
  return nil
end
local base = KEYS[1] .. ':' .. marker[1] .. ':'
local counts = redis.call('HGETALL', base .. 'counts')
if #counts == 0 then
  return nil
end
local orders = {}
for i = 1, #counts, 2 do
  local lane = string.match(counts[i], '^([^|]*)|')
  orders[lane] = (orders[lane] or 0) + tonumber(counts[i + 1])
end
for lane, number in pairs(orders) do
  local cards = redis.call('ZCARD', base .. 'lane:' .. lane)
  local shown = redis.call('ZREVRANGE', base .. 'lane:' .. lane, 0, tonumber(ARGV[2]) - 1)
  for i, id in ipairs(shown) do
    shown[i] = base .. 'card:' .. id
  end
  if #shown > 0 and redis.call('EXISTS', unpack(shown)) < #shown then
    return nil
  end
  if cards < math.min(number, tonumber(ARGV[2])) then
    return nil
  end
  if cards < number and redis.call('HEXISTS', base .. 'floors', lane) == 0 then
    return nil
  end
end
return { marker[1], redis.call('HGETALL', base .. 'floors') }
