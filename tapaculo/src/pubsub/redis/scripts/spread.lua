-- Keeps what is news of users, forgets what is over, and tells it to all nodes.
--
-- KEYS[1]  how the keys of users begin
-- ARGV[1]  the channel that all nodes hear
-- ARGV[2]  the news, as they hear them
-- ARGV[3]  how many revocations of users and sessions are kept at most
-- then for each of them
--   what it is, whom or what it is about, and until when: of bans in ms, of the others in microseconds
local bans, unbans = KEYS[1] .. ':bans', KEYS[1] .. ':unbans'
local marks, cutoffs = KEYS[1] .. ':revoked', KEYS[1] .. ':cutoffs'

for i = 4, #ARGV, 3 do
  local what, whom, when = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if what == 'ban' then
    redis.call('ZADD', bans, when, whom)
    redis.call('ZREM', unbans, whom)
  elseif what == 'ban at least' then
    redis.call('ZADD', bans, 'GT', when, whom)
    redis.call('ZREM', unbans, whom)
  elseif what == 'unban' then
    -- Who has missed it finds it here for as long as it knows of the ban.
    local until_then = redis.call('ZSCORE', bans, whom)
    if until_then then
      redis.call('ZADD', unbans, until_then, whom)
      redis.call('ZREM', bans, whom)
    end
  elseif what == 'mark' then
    redis.call('ZADD', marks, 'GT', when, whom)
  else
    redis.call('ZADD', cutoffs, 'GT', when, whom)
  end
end

local time = redis.call('TIME')
local ms = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', bans, '-inf', ms)
redis.call('ZREMRANGEBYSCORE', unbans, '-inf', ms)
redis.call('ZREMRANGEBYSCORE', marks, '-inf', string.format('%.0f', time[1] * 1000000 + time[2]))

-- Each goes with the last of what is in it.
local century = ms + 100 * 366 * 24 * 3600 * 1000
for key, per_ms in pairs({ [bans] = 1, [unbans] = 1, [marks] = 1000 }) do
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
  if last then
    local at = math.min(math.ceil(tonumber(last) / per_ms), century)
    redis.call('PEXPIREAT', key, string.format('%.0f', at))
  end
end

-- When what was issued before a cutoff has expired nobody knows: the older half goes, and what it was
-- about is cut off with everybody's. That is the cutoff of nobody.
local most = tonumber(ARGV[3])
if redis.call('ZCARD', cutoffs) > most then
  local middle = redis.call('ZRANGE', cutoffs, math.floor(most / 2), math.floor(most / 2), 'WITHSCORES')[2]
  redis.call('ZREMRANGEBYSCORE', cutoffs, '-inf', middle)
  redis.call('ZADD', cutoffs, middle, '')
end

redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
