// Our scripts, for what BullMQ has no verb for: many jobs in one step, putting back under the same id, settling whoever
// holds a job or nobody does, ending short jobs in bulk. Claiming is BullMQ's own script.

import { QUEUED, script, SHARED } from './lua.ts';

/** Answers for each job the id that stands for it: its own, or of the job that has its unique key. */
const ADD = script(
  'writes',
  SHARED,
  `
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
if placed then hint() end
return ids`,
);

/**
 * One that waits already keeps its turn, unless its time changes. A job that came by BullMQ's own door (`asItIs`) is not
 * written to.
 */
const PUT_BACK = script(
  'writes',
  SHARED,
  QUEUED,
  `
local placed = false
for _, item in ipairs(cjson.decode(ARGV[3])) do
  local job = item.job
  local isThere = exists(job.id)
  local waits = isThere and item.token == '' and tonumber(job.runAt) <= now and isQueued(job.id)
    and not call('ZSCORE', delayed, job.id)
  if waits and not item.asItIs then
    -- What it carries is the newer.
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
if placed then hint() end
return 0`,
);

/** ARGV 4 = base of the dead letter, for items that say \`dead\`. Answers the ids that were settled. */
const SETTLE = script(
  'writes',
  SHARED,
  `
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
        'priority', 1, 'delay', 0, 'failedReason', item.output)
      -- Not in the plain list: there every look for one of them would go through all of them.
      if isNew then
        local order = call('INCR', ARGV[4] .. 'pc') % PRIORITY_SHIFT
        call('ZADD', ARGV[4] .. 'prioritized', PRIORITY_SHIFT + order, id)
      end
    end
    settled[#settled + 1] = id
  end
end
return settled`,
);

const REMOVE = script(
  'frees',
  SHARED,
  `
local removed = {}
for _, id in ipairs(cjson.decode(ARGV[3])) do
  if takeOutQueued(id) then
    erase(id)
    removed[#removed + 1] = id
  end
end
return removed`,
);

/** ARGV 4 = how long a job in hand counts as there. */
const MISSING = script(
  'looks',
  SHARED,
  QUEUED,
  `
local missing = {}
for _, id in ipairs(cjson.decode(ARGV[3])) do
  local startedAt = tonumber(call('HGET', base .. id, 'processedOn') or nil)
  local isInHand = startedAt and call('EXISTS', base .. id .. ':lock') == 1
  if not (isInHand and now - startedAt < tonumber(ARGV[4])) and not (exists(id) and isQueued(id)) then
    missing[#missing + 1] = id
  end
end
return missing`,
);

/** The list = worker ids; ARGV 4 = how many jobs at most. */
const HELD_BY = script(
  'looks',
  SHARED,
  `
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
return held`,
);

/** The list = tokens of claims whose answer never came; jobs in hand under one of them are held by nobody. */
const RELEASE = script(
  'writes',
  SHARED,
  `
local doubted = {}
for _, token in ipairs(cjson.decode(ARGV[3])) do doubted[token] = true end
local released = 0
for _, id in ipairs(call('LRANGE', active, 0, -1)) do
  if doubted[call('GET', base .. id .. ':lock') or ''] then
    call('LREM', active, -1, id)
    handBack(id, '0')
    released = released + 1
  end
end
if released > 0 then hint() end
return released`,
);

/**
 * Ends jobs (the list), keeps as many of the ended as ARGV 6 says, and claims one for each token of the list ARGV 4, for the
 * worker ARGV 5 and for ARGV 7 milliseconds. In BullMQ's order: jobs without a priority first. Delayed jobs that are due are
 * left to its own script. Answers the ids that were settled, and the claims.
 */
const EXCHANGE = script(
  'writes',
  SHARED,
  `
local settled, claims = {}, {}
for _, item in ipairs(cjson.decode(ARGV[3])) do
  local id = item.id
  local key = base .. id
  if holds(id, item.token) and call('LREM', active, -1, id) == 1 then
    freeUniqueKey(id)
    call('DEL', key .. ':lock')
    call('HSET', key, 'returnvalue', item.output, 'finishedOn', now)
    call('ZADD', completed, now, id)
    tell('completed', id, 'returnvalue', item.output, 'prev', 'active')
    settled[#settled + 1] = id
  end
end
local surplus = math.min(call('ZCARD', completed) - tonumber(ARGV[6]), 1000)
if surplus > 0 then
  for _, id in ipairs(call('ZRANGE', completed, 0, surplus - 1)) do erase(id) end
  call('ZREMRANGEBYRANK', completed, 0, surplus - 1)
end
local function nextId()
  local id = call('RPOPLPUSH', wait, active)
  if id then return id end
  id = call('ZPOPMIN', prioritized)[1]
  if id then call('LPUSH', active, id) end
  return id
end
local tokens = cjson.decode(ARGV[4])
if #tokens > 0 and call('HEXISTS', meta, 'paused') == 1 then tokens = {} end
for _, token in ipairs(tokens) do
  local id = nextId()
  if not id then break end
  local key = base .. id
  local name, data = unpack(call('HMGET', key, 'name', 'data'))
  call('SET', key .. ':lock', token, 'PX', ARGV[7])
  call('HSET', key, 'processedOn', now, 'pb', ARGV[5])
  claims[#claims + 1] = { id, token, name or '', data or '{}' }
end
return { settled, claims }`,
);

export const SCRIPTS = {
  exchange: EXCHANGE,
  add: ADD,
  putBack: PUT_BACK,
  settle: SETTLE,
  remove: REMOVE,
  missing: MISSING,
  heldBy: HELD_BY,
  release: RELEASE,
} as const;
