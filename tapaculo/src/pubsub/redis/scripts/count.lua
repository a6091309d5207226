-- Counts what users have sent at a node, and answers what they have sent at others within the window.
--
-- A count is in the hash of a short span of time, for all nodes together and for its own. Spans are
-- taken for as old as their beginning, so that nothing is held against anybody for too long.
--
-- KEYS[1]  how the keys of what was sent begin
-- ARGV[1]  the node
-- ARGV[2]  when the first of it came, in ms by the clock here; empty if that is not known
-- ARGV[3]  how long it has been gathered at most, in ms
-- ARGV[4]  the window, in ms
-- ARGV[5]  how long a span is, in ms
-- then for each user
--   its name, and how many
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window, span = tonumber(ARGV[4]), tonumber(ARGV[5])
local since = now - tonumber(ARGV[3])
if ARGV[2] ~= '' then
  since = math.min(tonumber(ARGV[2]), now)
end

local fields, users = {}, (#ARGV - 5) / 2
local present = KEYS[1] .. ':' .. math.floor(since / span)
for user = 1, users do
  local name, count = ARGV[4 + 2 * user], ARGV[5 + 2 * user]
  fields[2 * user - 1] = '*\0' .. name
  fields[2 * user] = ARGV[1] .. '\0' .. name
  if since > now - window then
    redis.call('HINCRBY', present, fields[2 * user - 1], count)
    redis.call('HINCRBY', present, fields[2 * user], count)
  end
end
redis.call('PEXPIRE', present, window + 2 * span)

local answer = { now }
for user = 1, users do
  answer[1 + user] = {}
end
for number = math.floor((now - window) / span) + 1, math.floor(now / span) do
  local counts = redis.call('HMGET', KEYS[1] .. ':' .. number, unpack(fields))
  for user = 1, users do
    local elsewhere = (tonumber(counts[2 * user - 1] or 0)) - (tonumber(counts[2 * user] or 0))
    if elsewhere > 0 then
      local own = answer[1 + user]
      own[#own + 1] = now - number * span
      own[#own + 1] = elsewhere
    end
  end
end
return answer
