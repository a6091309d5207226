-- All that is kept of users: bans, those that were lifted before their time, marks, cutoffs; each with
-- its moment.
--
-- KEYS[1]  how the keys of users begin
local all = {}
for i, kind in ipairs({ ':bans', ':unbans', ':revoked', ':cutoffs' }) do
  all[i] = redis.call('ZRANGE', KEYS[1] .. kind, 0, -1, 'WITHSCORES')
end
return all
