-- Hands something to the node that has a room.
--
-- KEYS[1]  the room's record
-- ARGV[1]  how inboxes' channels begin
-- ARGV[2]  how they end
-- ARGV[3]  what is handed over
local owner = redis.call('HGET', KEYS[1], '@owner')
if owner then
  redis.call('PUBLISH', ARGV[1] .. owner .. ARGV[2], ARGV[3])
end
return owner
