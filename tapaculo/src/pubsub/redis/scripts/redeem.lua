-- Uses a refresh token: it works once, but for an attempt that is repeated by its name.
--
-- KEYS[1]  the family of tokens
-- ARGV[1]  the token's number in it
-- ARGV[2]  the number after it
-- ARGV[3]  the attempt, if it has a name
-- ARGV[4]  this very request, which is sent again if its answer is lost
-- ARGV[5]  when the next access token ends, in microseconds
-- ARGV[6]  when the next refresh token does
local known = redis.call('HMGET', KEYS[1], 'good', 'attempt', 'request', 'access_ends', 'ends')
local good, attempt, request = known[1], known[2], known[3]

-- Only a login's first token has not left anything here.
if not good and ARGV[1] ~= '0' then
  return { 'forgotten' }
end

local function later(one, other)
  if one and tonumber(one) > tonumber(other) then
    return one
  end
  return other
end
local access_ends, ends = later(known[4], ARGV[5]), later(known[5], ARGV[6])

local newest = not good or good == ARGV[1]
local repeated = good == ARGV[2] and (request == ARGV[4] or (ARGV[3] ~= '' and attempt == ARGV[3]))
local fine = newest or repeated
if fine then
  redis.call('HSET', KEYS[1], 'good', ARGV[2], 'attempt', ARGV[3], 'request', ARGV[4])
else
  -- Of no number: none is good any more.
  redis.call('HSET', KEYS[1], 'good', 'none', 'attempt', '', 'request', '')
end
redis.call('HSET', KEYS[1], 'access_ends', access_ends, 'ends', ends)
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.ceil(tonumber(ends) / 1000)))
if fine then
  return { 'once' }
end
return { 'again', access_ends }
