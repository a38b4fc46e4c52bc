-- Counts the records that have not expired.
--
-- KEYS: expires
-- ARGV: now
return redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[1], '+inf')
