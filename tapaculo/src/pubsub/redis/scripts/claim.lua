-- Gives a room to a node, unless another one has it.
--
-- KEYS[1]  the room's record
-- ARGV[1]  the node that asks
-- ARGV[2]  how many claims it has made with this one: tells a repeat, and one that comes late
-- ARGV[3]  a node that is known to be gone, or ''
-- ARGV[4]  how long the record is to be kept at least, in ms
local key, node, count = KEYS[1], ARGV[1], ARGV[2]
local has = redis.call('HMGET', key, '@owner', '@term', '@number', '@run', '@claim')
local owner, term, number, run, claim = unpack(has)

if owner and owner ~= node and owner ~= ARGV[3] then
  return {'theirs', owner}
end

local by, last = string.match(claim or '', '^(%S+) (%d+)$')
if by == node and tonumber(last) > tonumber(count) then
  return {'late'}
end
if not (owner == node and by == node and last == count) then
  -- Greater than all before, also if the newest of them were lost with what Redis last wrote.
  local now = redis.call('TIME')
  local fresh = tonumber(now[1]) * 1000000 + tonumber(now[2])
  term = string.format('%.0f', math.max(fresh, tonumber(term or '0') + 1))
  redis.call('HSET', key, '@owner', node, '@term', term, '@claim', node .. ' ' .. count)
  if redis.call('PTTL', key) < tonumber(ARGV[4]) then
    redis.call('PEXPIRE', key, ARGV[4])
  end
end

if not number then
  return {'ours', term}
end
local present = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local doubtful = run == present and 'sure' or 'doubtful'
return {'ours', term, number, doubtful, redis.call('HGETALL', key)}
