-- Puts a record into a list, and returns the ids of the oldest others that are too many.
--
-- KEYS: order, expires, records
-- ARGV: the id, created_at, expires_at, last_seen, the details, now, how many to keep or '',
--       how long the list stays after the end of its last record
local id, now, keep = ARGV[1], ARGV[6], tonumber(ARGV[7])

-- What has expired must not count where something is counted. Elsewhere some of it can wait.
repeat
  local gone = redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, 1000)
  if #gone > 0 then
    redis.call('ZREM', KEYS[1], unpack(gone))
    redis.call('ZREM', KEYS[2], unpack(gone))
    redis.call('HDEL', KEYS[3], unpack(gone))
  end
until #gone < 1000 or not keep

redis.call('ZADD', KEYS[1], ARGV[2], id)
redis.call('ZADD', KEYS[2], ARGV[3], id)
redis.call('HSET', KEYS[3], id, ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. ARGV[5])

local last = redis.call('ZRANGE', KEYS[2], 0, 0, 'REV', 'WITHSCORES')[2]
local left = string.format('%.0f', tonumber(last) - tonumber(now) + tonumber(ARGV[8]))
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, left)
end

local too_many = {}
if keep then
  -- The others that stay are one less, and this one may be among the newest or not.
  local first = math.max(keep - 1, 0)
  if redis.call('ZREVRANK', KEYS[1], id) < first then
    first = first + 1
  end
  for _, other in ipairs(redis.call('ZRANGE', KEYS[1], string.format('%.0f', first), -1, 'REV')) do
    if other ~= id then
      too_many[#too_many + 1] = other
    end
  end
end
return too_many
