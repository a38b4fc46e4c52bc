-- Lists records, newest first: an id, its record, the next id, its record, and so on.
--
-- KEYS: order, records
-- ARGV: at most how many, now, then of the record after which they come: created_at and the id.
--       Without it, the list begins with the newest
local most, now, found = tonumber(ARGV[1]), tonumber(ARGV[2]), {}

-- Lua compares texts by the language of the server; Redis sorts them by their bytes.
local function is_below(one, other)
  for at = 1, math.min(#one, #other) do
    local difference = string.byte(one, at) - string.byte(other, at)
    if difference ~= 0 then
      return difference < 0
    end
  end
  return #one < #other
end

-- The record itself may be gone. Its place is among those of the same millisecond.
local first = 0
if ARGV[4] then
  first = redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[3], '+inf')
  local last = redis.call('ZCOUNT', KEYS[1], ARGV[3], '+inf')
  while first < last do
    local middle = math.floor((first + last) / 2)
    if is_below(redis.call('ZRANGE', KEYS[1], middle, middle, 'REV')[1], ARGV[4]) then
      last = middle
    else
      first = middle + 1
    end
  end
end

while #found < 2 * most do
  local count = math.min(most - #found / 2, 1000)
  local ids = redis.call('ZRANGE', KEYS[1], first, first + count - 1, 'REV')
  if #ids == 0 then
    break
  end
  for at, record in ipairs(redis.call('HMGET', KEYS[2], unpack(ids))) do
    local expires = record and string.match(record, '^%d+ (%d+) %d+ ')
    if expires and tonumber(expires) > now then
      found[#found + 1] = ids[at]
      found[#found + 1] = record
    end
  end
  first = first + #ids
end
return found
