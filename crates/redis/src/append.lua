-- Appends marks and returns the number that those without one of their own have.
--
-- KEYS: last, days, epoch, then the stream of each day
-- ARGV: the lowest number, the text before a day in its stream's key,
--       then for each day: the day, when its stream expires, how many marks, the marks
local time = redis.call('TIME')
local number = math.max(tonumber(ARGV[1]), time[1] * 1000 + math.floor(time[2] / 1000))

local function goes_above(key)
  local top = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
  if top then
    number = math.max(number, tonumber(string.match(top[1], '^%d+')) + 1)
  end
  return top
end

for key = 4, #KEYS do
  goes_above(KEYS[key])
end
if not goes_above(KEYS[1]) then
  for _, day in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    goes_above(ARGV[2] .. day)
  end
end
if number > 9007199254740000 then
  return redis.error_reply('ERR the number of the marks is too high')
end

-- Lua writes large numbers in a form that loses digits.
local text = string.format('%.0f', number)
redis.call('SET', KEYS[3], time[1] .. '-' .. time[2], 'NX')
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', time[1])
local at, sequence = 3, 0
for key = 4, #KEYS do
  local day, expires, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  for mark = at + 3, at + 2 + count do
    redis.call('XADD', KEYS[key], text .. '-' .. sequence, 'm', ARGV[mark])
    sequence = sequence + 1
  end
  redis.call('EXPIREAT', KEYS[key], expires)
  redis.call('ZADD', KEYS[2], expires, day)
  at = at + 3 + count
end
redis.call('XADD', KEYS[1], 'MAXLEN', 1, text .. '-0', 'm', '')
return text
