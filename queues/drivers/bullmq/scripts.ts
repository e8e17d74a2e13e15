// Our scripts, for what BullMQ has no verb for: many jobs in one step, putting back under the same id, settling whoever
// holds a job or nobody does, and looking. Claiming, and finishing with a claim, are BullMQ's own scripts.

import { QUEUED, SHARED } from './lua.ts';
import { WAKE_CHANNEL } from './layout.ts';

const HINT = `call('PUBLISH', '${WAKE_CHANNEL}', 'jobs')`;

/** Answers for each job the id that stands for it: its own, or of the job that has its unique key. */
const ADD = `${SHARED}
local ids, placed = {}, false
for i, job in ipairs(cjson.decode(ARGV[3])) do
  ids[i] = job.id
  local isThere = exists(job.id)
  if not isThere or hasEnded(job.id) then
    local holder = job.deid and holderOf(job.deid)
    if holder then
      ids[i] = holder
    else
      if isThere then
        takeOut(job.id)
        erase(job.id)
      end
      store(job)
      enqueue(job, false)
      tell('added', job.id, 'name', job.name)
      placed = true
    end
  end
end
if placed then ${HINT} end
return ids`;

/** A job that came by BullMQ's own door (`asItIs`) is not written to. */
const PUT_BACK = `${SHARED}${QUEUED}
local placed = false
for _, item in ipairs(cjson.decode(ARGV[3])) do
  local job = item.job
  local isThere = exists(job.id)
  local waits = isThere and item.token == '' and isQueued(job.id)
  if waits and not item.asItIs then
    -- It keeps its turn; what it carries is the newer.
    call('HSET', base .. job.id, 'name', job.name, 'data', job.data)
  elseif not waits and (not isThere or holds(job.id, item.token)) then
    takeOut(job.id)
    if isThere and item.asItIs then
      handBack(job.id, job.runAt)
    else
      call('DEL', base .. job.id .. ':lock')
      store(job)
      enqueue(job, isThere)
    end
    placed = true
  end
end
if placed then ${HINT} end
return 0`;

/** ARGV 4, 5 = base and waiting list of the dead letter, for items that say \`dead\`. Answers the ids that were settled. */
const SETTLE = `${SHARED}
local settled = {}
for _, item in ipairs(cjson.decode(ARGV[3])) do
  local job = item.job
  local id, key = job.id, base .. job.id
  if not exists(id) or holds(id, item.token) then
    local startedAt, holder = unpack(call('HMGET', key, 'processedOn', 'pb'))
    takeOut(id)
    call('DEL', key .. ':lock')
    store(job)
    freeUniqueKey(id)
    if startedAt then call('HSET', key, 'processedOn', startedAt) end
    if holder then call('HSET', key, 'pb', holder) end
    local isCompleted = item.state == 'completed'
    local field = isCompleted and 'returnvalue' or 'failedReason'
    call('HSET', key, field, item.output, 'finishedOn', now)
    call('ZADD', isCompleted and completed or failed, now, id)
    if item.state == 'cancelled' then call('ZADD', cancelled, now, id) end
    tell(isCompleted and 'completed' or 'failed', id, field, item.output, 'prev', 'active')
    if item.dead then
      local copy = ARGV[4] .. id
      local isNew = call('EXISTS', copy) == 0
      call('HSET', copy, 'name', job.name, 'data', job.data, 'opts', job.opts, 'timestamp', job.timestamp,
        'priority', 0, 'delay', 0, 'failedReason', item.output)
      if isNew then call('LPUSH', ARGV[5], id) end
    end
    settled[#settled + 1] = id
  end
end
return settled`;

const REMOVE = `${SHARED}
local removed = {}
for _, id in ipairs(cjson.decode(ARGV[3])) do
  if takeOutQueued(id) then
    erase(id)
    removed[#removed + 1] = id
  end
end
return removed`;

/** ARGV 4 = how long a job in hand counts as there. */
const MISSING = `${SHARED}${QUEUED}
local missing = {}
for _, id in ipairs(cjson.decode(ARGV[3])) do
  local startedAt = tonumber(call('HGET', base .. id, 'processedOn') or nil)
  local isInHand = startedAt and call('EXISTS', base .. id .. ':lock') == 1
  if not (isInHand and now - startedAt < tonumber(ARGV[4])) and not (exists(id) and isQueued(id)) then
    missing[#missing + 1] = id
  end
end
return missing`;

/** The list = worker ids; ARGV 4 = how many jobs at most. */
const HELD_BY = `${SHARED}
local wanted = {}
for _, worker in ipairs(cjson.decode(ARGV[3])) do wanted[worker] = true end
local held = {}
for _, id in ipairs(call('LRANGE', active, 0, -1)) do
  if #held >= tonumber(ARGV[4]) then break end
  local worker, name, data = unpack(call('HMGET', base .. id, 'pb', 'name', 'data'))
  if worker and wanted[worker] then
    held[#held + 1] = { id, call('GET', base .. id .. ':lock') or '', name or '', data or '{}' }
  end
end
return held`;

/**
 * The list = claims whose answer never came, each \`{token, except}\`. Jobs in hand under such a token are held by nobody,
 * except the one that its worker had before and is still about to settle.
 */
const RELEASE = `${SHARED}
local except = {}
for _, doubt in ipairs(cjson.decode(ARGV[3])) do except[doubt.token] = doubt.except end
local released = 0
for _, id in ipairs(call('LRANGE', active, 0, -1)) do
  local lock = base .. id .. ':lock'
  local mine = except[call('GET', lock) or '']
  if mine and mine ~= id then
    call('LREM', active, -1, id)
    handBack(id, '0')
    released = released + 1
  end
end
if released > 0 then ${HINT} end
return released`;

export const SCRIPTS = {
  add: ADD,
  putBack: PUT_BACK,
  settle: SETTLE,
  remove: REMOVE,
  missing: MISSING,
  heldBy: HELD_BY,
  release: RELEASE,
} as const;
