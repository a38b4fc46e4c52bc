-- Removes records.
--
-- KEYS: order, expires, records
-- ARGV: their ids
for _, id in ipairs(ARGV) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
end
return redis.status_reply('OK')
