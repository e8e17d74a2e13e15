// Scripts that look at jobs, and four that write: `sweep`, `trim` and `forget` remove what
// is old or unwanted, `epoch` leaves its mark.

import { script, SHARED } from './lua.ts';

/** BullMQ's rank among delayed jobs is the time in milliseconds times this; the low bits are the order of arrival. */
export const DELAY_SHIFT = 0x1000;

/** Of any number of queues: KEYS = wait, prioritized, delayed, meta of each; ARGV 1 = now. Answers how many are due. */
const DEPTHS = script(
  'looks',
  `
local depths = {}
for i = 1, #KEYS, 4 do
  local due = 0
  if redis.call('HEXISTS', KEYS[i + 3], 'paused') == 0 then
    due = redis.call('LLEN', KEYS[i]) + redis.call('ZCARD', KEYS[i + 1])
      + redis.call('ZCOUNT', KEYS[i + 2], '-inf', (tonumber(ARGV[1]) + 1) * ${DELAY_SHIFT} - 1)
  end
  depths[#depths + 1] = due
end
return depths`,
);

/** Answers waiting, delayed, active, completed, cancelled, failed. What is due but not yet moved by BullMQ waits. */
const COUNTS = script(
  'looks',
  SHARED,
  `
local later = call('ZCOUNT', delayed, (now + 1) * SHIFT, '+inf')
local stopped = call('ZINTERCARD', 2, cancelled, failed)
return {
  call('LLEN', wait) + call('LLEN', paused) + call('ZCARD', prioritized) + call('ZCARD', delayed) - later, later,
  call('LLEN', active), call('ZCARD', completed), stopped, call('ZCARD', failed) - stopped,
}`,
);

const FIELDS = `
local function row(id, state, score)
  local fields = call('HMGET', base .. id, 'name', 'data', 'timestamp', 'processedOn', 'finishedOn', 'pb', 'returnvalue',
    'failedReason')
  if not fields[1] then return nil end
  for i = 1, 8 do fields[i] = fields[i] or '' end
  return { id, state, score or '', unpack(fields) }
end

local function stateByScore(score)
  if tonumber(score) >= (now + 1) * SHIFT then return 'delayed' end
  return 'waiting'
end
`;

/**
 * One page of one place, newest first: ARGV 3 = place, 4 = offset, 5 = size. Answers how many ids the page had, then rows.
 */
const PAGE = script(
  'looks',
  SHARED,
  FIELDS,
  `
local place, first = ARGV[3], tonumber(ARGV[4])
local last = first + tonumber(ARGV[5]) - 1
local ids, scores = {}, {}
local lists = { wait = wait, active = active, paused = paused }
local sets = { prioritized = prioritized, delayed = delayed, completed = completed, failed = failed, cancelled = cancelled }
if lists[place] then
  ids = call('LRANGE', lists[place], first, last)
else
  local flat = call('ZREVRANGE', sets[place], first, last, 'WITHSCORES')
  for i = 1, #flat, 2 do
    ids[#ids + 1] = flat[i]
    scores[#ids] = flat[i + 1]
  end
end
local rows = { #ids }
for i, id in ipairs(ids) do
  local state = place
  if place == 'wait' or place == 'paused' or place == 'prioritized' then state = 'waiting' end
  if place == 'delayed' then state = stateByScore(scores[i]) end
  if place == 'failed' and call('ZSCORE', cancelled, id) then state = 'cancelled' end
  if place == 'cancelled' and not call('ZSCORE', failed, id) then state = nil end
  rows[#rows + 1] = state and row(id, state, scores[i]) or nil
end
return rows`,
);

/**
 * The first of each priority, and the first that waits without one or has just become due: ARGV 3 = priorities at most.
 * Answers rows.
 */
const FIRSTS = script(
  'looks',
  SHARED,
  FIELDS,
  `
local rows = {}
local function look(id, state, score)
  if id then rows[#rows + 1] = row(id, state, score) end
end
look(call('LINDEX', wait, -1), 'waiting')
local due = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
if due[1] and stateByScore(due[2]) == 'waiting' then look(due[1], 'delayed', due[2]) end
local from = '-inf'
for _ = 1, tonumber(ARGV[3]) do
  local first = call('ZRANGEBYSCORE', prioritized, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if not first[1] then break end
  look(first[1], 'waiting')
  from = (math.floor(tonumber(first[2]) / PRIORITY_SHIFT) + 1) * PRIORITY_SHIFT
end
return rows`,
);

/** The job of one id, or nothing: ARGV 3 = id. */
const FIND = script(
  'looks',
  SHARED,
  FIELDS,
  `
local id = ARGV[3]
if not exists(id) then return nil end
if call('ZSCORE', completed, id) then return row(id, 'completed') end
if call('ZSCORE', failed, id) then return row(id, call('ZSCORE', cancelled, id) and 'cancelled' or 'failed') end
local score = call('ZSCORE', delayed, id)
if score then return row(id, stateByScore(score), score) end
if call('EXISTS', base .. id .. ':lock') == 1 then return row(id, 'active') end
return row(id, 'waiting')`,
);

/**
 * Removes ended jobs: ARGV 3 = completed or failed, 4 = those that ended up to then go, 5 = how many of the others stay,
 * 6 = how many may go in this call. Answers how many went.
 */
const SWEEP = script(
  'frees',
  SHARED,
  `
local set = ARGV[3] == 'completed' and completed or failed
local limit = tonumber(ARGV[6])
local ids = call('ZRANGEBYSCORE', set, '-inf', ARGV[4], 'LIMIT', 0, limit)
local surplus = math.min(limit, call('ZCARD', set) - tonumber(ARGV[5]))
if #ids < surplus then ids = call('ZRANGE', set, 0, surplus - 1) end
for _, id in ipairs(ids) do
  call('ZREM', set, id)
  call('ZREM', cancelled, id)
  erase(id)
end
return #ids`,
);

/**
 * Removes ended jobs, oldest first. ARGV 3 = JSON: the wanted \`states\` as a map, those that ended \`before\` (Unix
 * milliseconds), of these \`ids\` if there are any, at most \`limit\`. Answers the ids that went.
 */
const FORGET = script(
  'frees',
  SHARED,
  `
local wanted, gone = cjson.decode(ARGV[3]), {}
local function look(set, state)
  if not wanted.states[state] then return end
  local ids = wanted.ids or call('ZRANGEBYSCORE', set, '-inf', wanted.before, 'LIMIT', 0, 10000)
  for _, id in ipairs(ids) do
    if #gone >= wanted.limit then return end
    local endedAt = tonumber(call('ZSCORE', set, id) or nil)
    local isOther = set == failed and call('ZSCORE', cancelled, id)
    if endedAt and endedAt <= wanted.before and not isOther then
      call('ZREM', completed, id)
      call('ZREM', failed, id)
      call('ZREM', cancelled, id)
      erase(id)
      gone[#gone + 1] = id
    end
  end
end
look(completed, 'completed')
look(cancelled, 'cancelled')
look(failed, 'failed')
return gone`,
);

/** What other tools left behind: cancelled marks without a job, events beyond the bound. */
const TRIM = script(
  'frees',
  SHARED,
  `
call('ZREMRANGEBYSCORE', cancelled, '-inf', ARGV[3])
return call('XTRIM', events, 'MAXLEN', '~', MAX_EVENTS)`,
);

/**
 * KEYS 1 = the epoch, ARGV 1 = a new one. The server's run id is part of it: a restart or a failover may have gone back to an
 * older copy that still has the same text.
 */
const EPOCH = script(
  'frees',
  `
local known = redis.call('SET', KEYS[1], ARGV[1], 'NX', 'GET') or ARGV[1]
return known .. ':' .. (string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '')`,
);

export const LOOKS = {
  depths: DEPTHS,
  counts: COUNTS,
  page: PAGE,
  firsts: FIRSTS,
  find: FIND,
  sweep: SWEEP,
  forget: FORGET,
  trim: TRIM,
  epoch: EPOCH,
} as const;
