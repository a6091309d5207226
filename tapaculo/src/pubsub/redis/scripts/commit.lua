-- Saves what one input changed in a room, and tells the nodes that listen to it.
--
-- KEYS[1]   the room's record
-- ARGV[1]   the node that has the room
-- ARGV[2]   its fencing token
-- ARGV[3]   the commit's number
-- ARGV[4]   the number of the commit before it
-- ARGV[5]   'anew' if nothing that was kept before is to stay: then it need not be what it should be
-- ARGV[6]   'keep', 'release' or 'remove'
-- ARGV[7]   how long the record is to be kept, in ms
-- ARGV[8]   the room's channel, or '' if nothing is to be told
-- ARGV[9]   what is to be told
-- ARGV[10]  how many of the following are cells to put: each its name and its bytes
-- then      those, and the names of the cells to delete
local key, node, mine, number, before = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local ending = ARGV[6]

local function tell()
  if ARGV[8] ~= '' then
    redis.call('PUBLISH', ARGV[8], ARGV[9])
  end
end

local has = redis.call('HMGET', key, '@owner', '@term', '@number', '@by', '@claim')
local owner, term, last, by, claim = unpack(has)

-- It has happened, and this is its repeat.
if by == mine and last == number then
  return 'done'
end
-- A token that is greater is one that somebody has got since. If there is none, or a smaller one, mine
-- was lost with what Redis last wrote: whoever has it then is one from whom this node had the room.
if term and tonumber(term) > tonumber(mine) then
  return 'lost'
elseif term == mine and owner ~= node then
  return 'lost'
end
local behind = term ~= mine or (last or '0') ~= before
-- One that comes late, of which the repeat was done long ago.
if term == mine and tonumber(last or '0') >= tonumber(number) then
  return 'behind'
end
-- Nothing is left of a room that was removed, so a repeat of that can't be told from the first time.
if behind and ARGV[5] ~= 'anew' and (term or ending ~= 'remove') then
  return 'behind'
end

if ending == 'remove' then
  redis.call('DEL', key)
  tell()
  return 'done'
end

if ARGV[5] == 'anew' then
  redis.call('DEL', key)
  redis.call('HSET', key, '@owner', node, '@term', mine, '@claim', claim or '')
end
-- `unpack` takes no more than some thousands at once.
local function all(command, from, to)
  for first = from, to, 1000 do
    redis.call(command, key, unpack(ARGV, first, math.min(first + 999, to)))
  end
end
local puts = 10 + tonumber(ARGV[10])
all('HSET', 11, puts)
all('HDEL', puts + 1, #ARGV)
-- Who gives back what it has never written has not seen whether something is missing in it.
if ending ~= 'release' or by == mine or tonumber(ARGV[10]) > 0 then
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
  redis.call('HSET', key, '@number', number, '@by', mine, '@run', run)
else
  redis.call('HSET', key, '@number', number, '@by', mine)
end
if ending == 'release' then
  redis.call('HDEL', key, '@owner')
end
redis.call('PEXPIRE', key, ARGV[7])
tell()
return 'done'
