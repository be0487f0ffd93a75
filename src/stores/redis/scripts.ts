/**
 * Every write is one Lua script, hence atomic. Only what Redis 6.2 has: `PXAT`, `struct`, no Functions (`test/contract/redis.test.ts`).
 *
 * The subject key is a sorted set: the ids of its sessions by absolute deadline, and the member `epoch` whose score is the epoch, negated.
 * Ids of sessions that ended stay there until something passes by: so ending or updating one needs its own key only, and works
 * while its slot moves. An id of a live record is always there, as long as the record can live.
 *
 * While a slot moves, its keys are on two servers, and the one a script runs on fails when asked for a key that has left. So scripts
 *
 * - read all they need before their first write: when that fails, nothing has happened;
 * - never remove a key they use again: it would count as one that has left;
 * - ask twice for what seems not to be there (`headOf`): the other server has it, perhaps, and does not say so of a single key.
 *
 * When memory is full, Redis refuses a script's first write if that may take memory, and no later one. Ending a session must work all the
 * same, so the scripts that do only that begin with `PERSIST`, which takes none.
 */
import { createHash } from 'node:crypto'

/** A script and the digest servers know it by. */
export interface Script {
  readonly text: string
  readonly sha: string
}

const scriptOf = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') })

/** Pieces that several scripts begin with. */
const KINDS = `
local RECORD, TOMBSTONE, LINKED = 1, '\\2', 3
local function isRecord(raw) return string.byte(raw, 1) == RECORD or string.byte(raw, 1) == LINKED end
local function number(raw, at) return (struct.unpack('<d', raw, at)) end
local function text(instant) return string.format('%.0f', instant) end
local function subjectIn(raw)
  local length = struct.unpack('<I2', raw, 2)
  if length == 65535 then return '' end
  return string.sub(raw, 36, 35 + length)
end`
/** The links of a record, as `format.ts` has them; empty for most. `raw` is at least its first 1,197 bytes: head, subject and links. */
const LINKS_IN = `
local function linksIn(raw)
  if string.byte(raw, 1) ~= LINKED then return '' end
  local at = 36 + #subjectIn(raw)
  return string.sub(raw, at, at + 8 + 43 * string.byte(raw, at + 8))
end`
/** Turns a record into a tombstone; `raw` is the record, or at least its head. */
const ENTOMB = `
local function entomb(key, raw, subject, now, reason, slack)
  local value = TOMBSTONE .. string.sub(raw, 2, 3) .. struct.pack('<d', now) .. string.sub(raw, 28, 35) .. subject .. reason
  redis.call('SET', key, value, 'PXAT', text(number(raw, 28) + slack))
end`
/** The head of a session of a subject. Two keys are asked for to learn whether the slot is moving: then this fails. */
const HEAD_OF = `
local function headOf(key, subjectKey)
  local raw = redis.call('GETRANGE', key, 0, 34)
  if raw == '' then redis.call('EXISTS', key, subjectKey) end
  return raw
end`
const KEEP_SUBJECT = `
local function keepSubject(key, least, slack)
  local last = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')
  redis.call('PEXPIREAT', key, text(math.max(tonumber(last[2]), least) + slack))
end`

/**
 * KEYS: record, [subject], [replaced].
 * ARGV: value, its PXAT, now, slack, channel, hasSubject, id, prefix of record keys, absoluteDeadline,
 *       replaced version or '', replaced id, reason, limit or '', onExceeded, dry run ('1': only say whether it would be refused).
 * Gives {0, epoch, evicted...}, {1} exists, {2} conflict, {3} limit.
 */
export const CREATE = scriptOf(`${KINDS}${ENTOMB}${HEAD_OF}${KEEP_SUBJECT}
local value, expiresAt, now, slack, channel = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local id, prefix, replacedVersion, replacedId = ARGV[7], ARGV[8], ARGV[10], ARGV[11]
local subjectKey = ARGV[6] == '1' and KEYS[2]
local isDryRun = ARGV[15] == '1'

if redis.call('EXISTS', KEYS[1]) == 1 then return {1} end
local replaced
if replacedVersion ~= '' then
  replaced = redis.call('GETRANGE', KEYS[#KEYS], 0, 1058)
  if not isRecord(replaced) or struct.unpack('<I4', replaced, 4) ~= tonumber(replacedVersion) then return {2} end
end

local evicted, forgotten, epoch = {}, {}, 0
if subjectKey then
  epoch = -tonumber(redis.call('ZSCORE', subjectKey, 'epoch') or 0)
  if ARGV[13] ~= '' then
    local live = {}
    for _, other in ipairs(redis.call('ZRANGEBYSCORE', subjectKey, 0, '+inf')) do
      local raw = headOf(prefix .. other, subjectKey)
      if not isRecord(raw) then forgotten[#forgotten + 1] = other
      elseif number(raw, 20) > now and other ~= replacedId then live[#live + 1] = {other, number(raw, 12), raw} end
    end
    local excess = #live + 1 - tonumber(ARGV[13])
    if excess > 0 then
      if ARGV[14] == 'reject' then return {3} end
      table.sort(live, function(a, b) return a[2] < b[2] or (a[2] == b[2] and a[1] < b[1]) end)
      for i = 1, math.min(excess, #live) do evicted[i] = live[i] end
    end
  else
    -- Forget a few that are over: long outdated ones, and of the others a sample, so that the set does not grow by sign-ins and sign-outs.
    local size = redis.call('ZCARD', subjectKey)
    if size > 8 then
      forgotten = redis.call('ZRANGEBYSCORE', subjectKey, 0, text(now - 2 * slack), 'LIMIT', 0, 16)
      local start = (string.byte(id, 10) * 65536 + string.byte(id, 11) * 256 + string.byte(id, 12)) % size
      for _, other in ipairs(redis.call('ZRANGE', subjectKey, start, start + 3)) do
        if other ~= 'epoch' then
          if not isRecord(headOf(prefix .. other, subjectKey)) then forgotten[#forgotten + 1] = other end
        end
      end
    end
  end
end
if isDryRun then return {0} end

if epoch > 0 then value = string.sub(value, 1, 7) .. struct.pack('<I4', epoch) .. string.sub(value, 12) end
redis.call('SET', KEYS[1], value, 'PXAT', expiresAt)
local result = {0, epoch}
if subjectKey then
  redis.call('ZADD', subjectKey, ARGV[9], id)
  for _, other in ipairs(forgotten) do redis.call('ZREM', subjectKey, other) end
  local subject = subjectIn(value)
  for _, entry in ipairs(evicted) do
    entomb(prefix .. entry[1], entry[3], subject, now, 'evicted', slack)
    redis.call('ZREM', subjectKey, entry[1])
    result[#result + 1] = entry[1]
    if channel ~= '' then redis.call('PUBLISH', channel, 'c' .. entry[1]) end
  end
  keepSubject(subjectKey, now, slack)
end
if replaced then
  entomb(KEYS[#KEYS], replaced, subjectIn(replaced), now, ARGV[12], slack)
  if channel ~= '' then redis.call('PUBLISH', channel, 'c' .. replacedId) end
end
return result`)

/**
 * KEYS: record, [subject]. ARGV: version, deadlines and body, PXAT, channel, id, slack, absoluteDeadline, '1' if its links' keys live as long.
 * Gives 0 updated, 1 conflict, 2 gone; or, when the record would live longer than its subject's key and that was not given, or than its links' keys: {subject, keys of 43 characters each}.
 */
export const UPDATE = scriptOf(`${KINDS}${LINKS_IN}${KEEP_SUBJECT}
local raw = redis.call('GETRANGE', KEYS[1], 0, 1196)
if not isRecord(raw) then return 2 end
local version = struct.unpack('<I4', raw, 4)
if version ~= tonumber(ARGV[1]) then return 1 end
local subject = subjectIn(raw)
local links = linksIn(raw)
local isLonger = tonumber(ARGV[7]) > number(raw, 28)
local hasSubject = struct.unpack('<I2', raw, 2) ~= 65535
if isLonger and ((hasSubject and #KEYS == 1) or (links ~= '' and ARGV[8] ~= '1')) then return {hasSubject and subject, string.sub(links, 10)} end
local changes = ARGV[2]
local head = string.sub(raw, 1, 3) .. struct.pack('<I4', version + 1) .. string.sub(raw, 8, 19) .. string.sub(changes, 1, 16)
redis.call('SET', KEYS[1], head .. subject .. links .. string.sub(changes, 17), 'PXAT', ARGV[3])
if isLonger and hasSubject then
  redis.call('ZADD', KEYS[2], ARGV[7], ARGV[5])
  keepSubject(KEYS[2], 0, tonumber(ARGV[6]))
end
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], 'c' .. ARGV[5]) end
return 0`)

/** KEYS: record. ARGV: now, reason, slack, channel, id, version or '' for any. Gives 1 ended, 0 nothing to end, 2 another version. */
export const REVOKE = scriptOf(`${KINDS}${ENTOMB}
local raw = redis.call('GETRANGE', KEYS[1], 0, 1058)
if not isRecord(raw) then return 0 end
if ARGV[6] ~= '' and struct.unpack('<I4', raw, 4) ~= tonumber(ARGV[6]) then return 2 end
redis.call('PERSIST', KEYS[1])
entomb(KEYS[1], raw, subjectIn(raw), tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]))
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], 'c' .. ARGV[5]) end
return 1`)

/** KEYS: subject. ARGV: now, reason, slack, channel, prefix of record keys, id to spare or '', subject, subject's key name in messages. */
export const REVOKE_SUBJECT = scriptOf(`${KINDS}${ENTOMB}${HEAD_OF}
local now, reason, slack, prefix, spared, subject = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[5], ARGV[6], ARGV[7]
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], 0, '+inf')
local epoch = 1 - tonumber(redis.call('ZSCORE', KEYS[1], 'epoch') or 0)
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local raws = {}
for i, id in ipairs(ids) do raws[i] = headOf(prefix .. id, KEYS[1]) end

redis.call('PERSIST', KEYS[1])
redis.call('ZADD', KEYS[1], -epoch, 'epoch')
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, '+inf')
local ended = 0
for i, id in ipairs(ids) do
  local raw = raws[i]
  if isRecord(raw) then
    if id == spared then
      redis.call('SETRANGE', prefix .. id, 7, struct.pack('<I4', epoch))
      redis.call('ZADD', KEYS[1], text(number(raw, 28)), id)
    else
      if number(raw, 20) > now then ended = ended + 1 end
      entomb(prefix .. id, raw, subject, now, reason, slack)
    end
  end
end
redis.call('PEXPIREAT', KEYS[1], text(math.max(tonumber(last[2] or 0), now) + slack))
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], 's' .. ARGV[8]) end
return ended`)

/**
 * Adds an id to a subject's sessions. KEYS: subject. ARGV: id, absoluteDeadline, now, slack, epoch it must have or ''.
 * Gives the subject's epoch; -1, and does nothing, when it is another.
 */
export const REGISTER = scriptOf(`${KINDS}${KEEP_SUBJECT}
local epoch = -tonumber(redis.call('ZSCORE', KEYS[1], 'epoch') or 0)
if ARGV[5] ~= '' and epoch ~= tonumber(ARGV[5]) then return -1 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
keepSubject(KEYS[1], tonumber(ARGV[3]), tonumber(ARGV[4]))
return epoch`)

/**
 * A link's key is a sorted set: ids of sessions by absolute deadline, and two members whose scores are instants, negated: `severed`, when it was
 * severed, and `until`, how long that must be known. It is in another slot than the records, so an id in it is a hint, and the record says.
 */
const KEEP_LINK = `
local function keepLink(key, now, slack)
  local last = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')
  local known = -tonumber(redis.call('ZSCORE', key, 'until') or 0)
  redis.call('PEXPIREAT', key, text(math.max(tonumber(last[2]), known, now) + slack))
end`

/** Adds an id. KEYS: link. ARGV: id, absoluteDeadline, the link's instant, now, slack. Gives 1; 0, and adds none, if it was severed since. */
export const LINK = scriptOf(`${KINDS}${KEEP_LINK}
local now, slack = tonumber(ARGV[4]), tonumber(ARGV[5])
local severed = redis.call('ZSCORE', KEYS[1], 'severed')
if severed and tonumber(ARGV[3]) <= -tonumber(severed) then return 0 end
local outdated = redis.call('ZRANGEBYSCORE', KEYS[1], 0, text(now - 2 * slack), 'LIMIT', 0, 16)
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
for _, other in ipairs(outdated) do
  if other ~= ARGV[1] then redis.call('ZREM', KEYS[1], other) end
end
keepLink(KEYS[1], now, slack)
return 1`)

/**
 * Severs. KEYS: link. ARGV: instant, known until or '' for not at all, now, slack. Gives the ids. From now on `LINK` gives 0, so nobody is missed;
 * not where nothing is to be known, which writes nothing.
 */
export const SEVER = scriptOf(`${KINDS}${KEEP_LINK}
if ARGV[2] == '' then return redis.call('ZRANGEBYSCORE', KEYS[1], 0, '+inf') end
local severed = -tonumber(redis.call('ZSCORE', KEYS[1], 'severed') or 0)
local known = -tonumber(redis.call('ZSCORE', KEYS[1], 'until') or 0)
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], 0, '+inf')
redis.call('PERSIST', KEYS[1])
redis.call('ZADD', KEYS[1], text(-math.max(severed, tonumber(ARGV[1]))), 'severed', text(-math.max(known, tonumber(ARGV[2]))), 'until')
keepLink(KEYS[1], tonumber(ARGV[3]), tonumber(ARGV[4]))
return ids`)

/**
 * Ends the records that have a link. KEYS: records. ARGV: the link's key, instant, now, reason, slack, channel, their ids.
 * Gives for each: 0 not there any more, 1 ended, 2 of a later login; then, of those that were live, id, '1' if of a subject, subject.
 */
export const END_LINKED = scriptOf(`${KINDS}${LINKS_IN}${ENTOMB}
local link, at, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local raws, result = {}, {}
for i, key in ipairs(KEYS) do raws[i] = redis.call('GETRANGE', key, 0, 1196) end
local function fate(raw)
  if not isRecord(raw) then return 0 end
  local links = linksIn(raw)
  for from = 10, #links, 43 do
    if string.sub(links, from, from + 42) == link then return number(links, 1) <= at and 1 or 2 end
  end
  return 0
end
for i, raw in ipairs(raws) do result[i] = fate(raw) end
for i, raw in ipairs(raws) do
  if result[i] == 1 then
    local id, subject = ARGV[6 + i], subjectIn(raw)
    redis.call('PERSIST', KEYS[i])
    entomb(KEYS[i], raw, subject, now, ARGV[4], tonumber(ARGV[5]))
    if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[6], 'c' .. id) end
    if number(raw, 20) > now then
      result[#result + 1] = id
      result[#result + 1] = struct.unpack('<I2', raw, 2) == 65535 and '0' or '1'
      result[#result + 1] = subject
    end
  end
end
return result`)

/** KEYS: subject. ARGV: prefix of record keys. Gives id, value, id, value...; forgets the ids of sessions that ended. */
export const LIST = scriptOf(`${KINDS}${HEAD_OF}
local result, forgotten = {}, {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], 0, '+inf')) do
  local key = ARGV[1] .. id
  if isRecord(headOf(key, KEYS[1])) then
    result[#result + 1] = id
    result[#result + 1] = redis.call('GET', key)
  else
    forgotten[#forgotten + 1] = id
  end
end
for _, id in ipairs(forgotten) do redis.call('ZREM', KEYS[1], id) end
return result`)

/** KEYS: entry. ARGV: now, deadline, PXAT. Gives 1 when the claim is the caller's. */
export const CLAIM = scriptOf(`
local deadline = redis.call('GET', KEYS[1])
if deadline and tonumber(deadline) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
return 1`)

/** KEYS: entry. ARGV: now, window, slack. The entry holds the count and the end of its window. */
export const COUNT = scriptOf(`
local now, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local count, deadline = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):(%d+)$')
count, deadline = tonumber(count or 0), tonumber(deadline or 0)
if deadline > now then
  -- Never longer than one window from now: a clock that ran ahead and came back must not freeze a throttle for as long.
  count, deadline = count + 1, math.min(deadline, now + window)
else
  count, deadline = 1, now + window
end
redis.call('SET', KEYS[1], string.format('%.0f:%.0f', count, deadline), 'PXAT', string.format('%.0f', deadline + tonumber(ARGV[3])))
return count`)
