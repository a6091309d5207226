-- Renews a node's lease, unless it has run out, and says so to the node's own subscription.
--
-- KEYS[1]  the lease
-- ARGV[1]  how long it is to last from now on, in ms
-- ARGV[2]  the channel on which the node hears itself
-- ARGV[3]  how many renewals there were with this one
if redis.call('PEXPIRE', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
