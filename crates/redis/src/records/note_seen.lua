-- Notes when sessions were last seen.
--
-- KEYS: records
-- ARGV: an id, when it was seen, the next id, and so on
for at = 1, #ARGV, 2 do
  local record = redis.call('HGET', KEYS[1], ARGV[at])
  if record then
    local before, seen, details = string.match(record, '^(%d+ %d+ )(%d+)( .*)$')
    if seen and tonumber(seen) < tonumber(ARGV[at + 1]) then
      redis.call('HSET', KEYS[1], ARGV[at], before .. ARGV[at + 1] .. details)
    end
  end
end
return redis.status_reply('OK')
