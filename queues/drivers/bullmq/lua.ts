// The words that all our scripts share, in Lua. They keep BullMQ's layout (6.7, pinned by the lockfile), so that its own
// scripts, boards and workers find everything where they expect it. A script touches keys of one hash tag only.
//
// Every script: KEYS 1..12 = `keysOf(queue)`, ARGV 1 = base, ARGV 2 = now in milliseconds, ARGV 3 = a JSON list.

import { DUE_MARK, DUE_SEPARATOR, MAX_DUE_TIMES } from '../../hints.ts';
import { WAKE_CHANNEL } from './layout.ts';

export const SHARED = `
local call = redis.call
local wait, active, prioritized, delayed, completed, failed, cancelled, events, pc, marker, meta, paused = unpack(KEYS)
local base, now = ARGV[1], tonumber(ARGV[2])
local MAX_EVENTS = 10000
-- When the jobs for later that this script enqueued are due.
local dueAt = {}

local function tell(event, id, ...)
  call('XADD', events, 'MAXLEN', '~', MAX_EVENTS, '*', 'event', event, 'jobId', id, ...)
end

local function exists(id)
  return call('EXISTS', base .. id) == 1
end

local function hasEnded(id)
  return call('ZSCORE', completed, id) or call('ZSCORE', failed, id)
end

-- An empty token stands for whoever holds the job.
local function holds(id, token)
  return token == '' or call('GET', base .. id .. ':lock') == token
end

local function freeUniqueKey(id)
  local key = call('HGET', base .. id, 'deid')
  if key and call('GET', base .. 'de:' .. key) == id then call('DEL', base .. 'de:' .. key) end
end

-- The job that has a unique key, unless it ended or was lost.
local function holderOf(key)
  local holder = call('GET', base .. 'de:' .. key)
  if holder and exists(holder) and not hasEnded(holder) then return holder end
  return nil
end

-- Out of where it waits; false when it does not wait.
local function takeOutQueued(id)
  return call('ZREM', prioritized, id) == 1 or call('ZREM', delayed, id) == 1
    or call('LREM', wait, 1, id) == 1 or call('LREM', paused, 1, id) == 1
end

-- Out of wherever it is.
local function takeOut(id)
  if call('LREM', active, -1, id) == 1 then return end
  if call('ZREM', completed, id) == 1 then return end
  if call('ZREM', failed, id) == 1 then
    call('ZREM', cancelled, id)
    return
  end
  takeOutQueued(id)
end

local function erase(id)
  local key = base .. id
  freeUniqueKey(id)
  call('DEL', key, key .. ':lock', key .. ':logs', key .. ':dependencies', key .. ':processed', key .. ':failed',
    key .. ':unsuccessful')
end

local function store(job)
  local key = base .. job.id
  freeUniqueKey(job.id)
  call('HSET', key, 'name', job.name, 'data', job.data, 'opts', job.opts, 'timestamp', job.timestamp,
    'priority', job.priority, 'delay', 0)
  call('HDEL', key, 'processedOn', 'pb', 'finishedOn', 'returnvalue', 'failedReason', 'deid')
  if job.deid and not holderOf(job.deid) then
    call('HSET', key, 'deid', job.deid)
    call('SET', base .. 'de:' .. job.deid, job.id)
  end
end

-- In the form that hints.ts reads.
local function hint()
  local text = 'jobs'
  if #dueAt > 0 then
    text = text .. '${DUE_MARK}' .. table.concat(dueAt, '${DUE_SEPARATOR}', 1, math.min(#dueAt, ${MAX_DUE_TIMES}))
  end
  call('PUBLISH', '${WAKE_CHANNEL}', text)
end

local SHIFT = 0x1000
local PRIORITY_SHIFT = 0x100000000

-- BullMQ's rank among delayed jobs: the time, and in its low bits the order of arrival.
local function delayedScore(runAt)
  local last = call('ZREVRANGEBYSCORE', delayed, (runAt + 1) * SHIFT - 1, runAt * SHIFT, 'WITHSCORES', 'LIMIT', 0, 1)
  if #last == 0 then return runAt * SHIFT end
  return math.min(tonumber(last[2]) + 1, (runAt + 1) * SHIFT - 1)
end

-- A job that comes back goes before the new ones of its priority (their counter starts at 1), the oldest id first.
local function enqueue(job, isBack)
  local runAt = tonumber(job.runAt)
  if runAt > now then
    call('ZADD', delayed, delayedScore(runAt), job.id)
    call('HSET', base .. job.id, 'delay', runAt - now)
    local first = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
    call('ZADD', marker, tonumber(first[2]) / SHIFT, '1')
    tell('delayed', job.id, 'delay', runAt)
    dueAt[#dueAt + 1] = job.runAt
    return
  end
  local order = 0
  if not isBack then order = call('INCR', pc) % PRIORITY_SHIFT end
  call('ZADD', prioritized, tonumber(job.priority) * PRIORITY_SHIFT + order, job.id)
  call('ZADD', marker, 0, '0')
  tell('waiting', job.id)
end

-- From a worker's hand to where it came from, unchanged and first of its priority.
local function handBack(id, runAt)
  local key = base .. id
  local priority = call('HGET', key, 'priority') or '0'
  call('DEL', key .. ':lock')
  call('HDEL', key, 'processedOn', 'pb')
  if priority ~= '0' or tonumber(runAt) > now then
    enqueue({ id = id, priority = priority, runAt = runAt }, true)
  else
    call('RPUSH', wait, id)
    call('ZADD', marker, 0, '0')
    tell('waiting', id)
  end
end
`;

/** Slow in a long list of jobs without a priority, of which we add none. */
export const QUEUED = `
local function isQueued(id)
  return call('ZSCORE', prioritized, id) or call('ZSCORE', delayed, id)
    or call('LPOS', wait, id) or call('LPOS', paused, id)
end
`;

/**
 * What a script may do when memory is full. `writes` are refused before they begin: a script that failed half-way would leave
 * a job in no list at all. `frees` and `looks` go on.
 */
const FLAGS = { writes: '', frees: ' flags=allow-oom', looks: ' flags=no-writes' } as const;

/** A whole script out of its parts. */
export function script(does: keyof typeof FLAGS, ...parts: readonly string[]): string {
  return `#!lua${FLAGS[does]}\n${parts.join('\n')}`;
}
