import { redisScript } from "./redis-script.js";

// KEYS: the facts of a stream (a hash) and its events (a Redis stream, whose ids begin with the events' numbers).
// Scripts that write give a `WriteStatus`.

/** Gives the fields that a writer needs, or ends the script. */
const asWriter = `
  local facts = redis.call('HMGET', KEYS[1], 'writer', 'ended', 'last', 'bytes', 'maxBytes')
  if not facts[1] then return -1 end
  if facts[1] ~= ARGV[1] then return -2 end`;

const keepBoth = (ms: string): string => `
  redis.call('PEXPIRE', KEYS[1], ${ms})
  redis.call('PEXPIRE', KEYS[2], ${ms})`;

/** ARGV: writer, owner, thread, for how long it is kept behind its end, its bytes at most, for how long it may be silent. */
export const createStream = redisScript(`
  if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('DEL', KEYS[2])
    redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'threadId', ARGV[3], 'retainMs', ARGV[4],
      'maxBytes', ARGV[5], 'last', '0', 'bytes', '0', 'shape', '0')
  end
  redis.call('HSET', KEYS[1], 'writer', ARGV[1])
  if not redis.call('HGET', KEYS[1], 'ended') then ${keepBoth("ARGV[6]")} end
  return 0`);

/** ARGV: writer, turn. */
export const nameTurn = redisScript(`${asWriter}
  redis.call('HSET', KEYS[1], 'turnId', ARGV[2])
  return 0`);

/** ARGV: writer, topic's channel, for how long the stream may be silent, then number, type and data of each event. */
export const appendEvents = redisScript(`${asWriter}
  if facts[2] then return 0 end
  local last, bytes, added = tonumber(facts[3]), tonumber(facts[4]), false
  for index = 4, #ARGV, 3 do
    local seq = tonumber(ARGV[index])
    if seq > last then
      redis.call('XADD', KEYS[2], ARGV[index] .. '-0', 't', ARGV[index + 1], 'd', ARGV[index + 2])
      last, bytes, added = seq, bytes + #ARGV[index + 2] + 64, true
    end
  end
  if added then
    redis.call('HSET', KEYS[1], 'last', string.format('%.0f', last), 'bytes', string.format('%.0f', bytes))
    redis.call('PUBLISH', ARGV[2], '')
  end${keepBoth("ARGV[3]")}
  if bytes > tonumber(facts[5]) then return 1 end
  return 0`);

/** ARGV: writer, topic's channel. */
export const endStream = redisScript(`${asWriter}
  if facts[2] then return 0 end
  local retainMs = redis.call('HGET', KEYS[1], 'retainMs')
  redis.call('HSET', KEYS[1], 'ended', '1')${keepBoth("retainMs")}
  redis.call('PUBLISH', ARGV[2], '')
  return 0`);

/** Gives owner, thread, turn, whether it has ended, and the newest number. */
export const findStream = redisScript(`
  return redis.call('HMGET', KEYS[1], 'owner', 'threadId', 'turnId', 'ended', 'last')`);

/** Puts number, type, data and extras of an entry behind `found`. */
const giveEntry = `
  local function give(found, entry)
    found[#found + 1] = string.match(entry[1], '^%d+')
    local fields = entry[2]
    found[#found + 1] = fields[2]
    found[#found + 1] = fields[4]
    found[#found + 1] = fields[6] or ''
  end`;

/** ARGV: behind which number, how many bytes. Gives whether it has ended, the newest number, and the entries. */
export const readEvents = redisScript(`${giveEntry}
  local facts = redis.call('HMGET', KEYS[1], 'owner', 'ended', 'last')
  if not facts[1] then return false end
  local found = { facts[2] and 1 or 0, facts[3] }
  local from, bytes, most = '(' .. ARGV[1] .. '-0', 0, tonumber(ARGV[2])
  if tonumber(facts[3]) <= tonumber(ARGV[1]) then return found end
  while true do
    local entries = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', 50)
    for _, entry in ipairs(entries) do
      local size = #entry[2][4]
      if bytes > 0 and bytes + size > most then return found end
      bytes = bytes + size
      give(found, entry)
    end
    if #entries < 50 then return found end
    from = '(' .. entries[#entries][1]
  end`);

/** Gives the stream's shape, the newest number, its bytes at most, and all entries. */
export const readWhole = redisScript(`${giveEntry}
  local facts = redis.call('HMGET', KEYS[1], 'shape', 'last', 'maxBytes')
  if not facts[1] then return false end
  local found = { facts[1], facts[2], facts[3] }
  for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do give(found, entry) end
  return found`);

/**
 * Puts entries in the place of all, unless others have come since they were read. ARGV: the shape and the newest number
 * as they were read, the bytes, then number, type, data and extras of each entry.
 */
export const replaceEvents = redisScript(`
  local facts = redis.call('HMGET', KEYS[1], 'shape', 'last')
  if facts[1] ~= ARGV[1] or facts[2] ~= ARGV[2] then return 0 end
  local left = redis.call('PTTL', KEYS[2])
  redis.call('DEL', KEYS[2])
  for index = 4, #ARGV, 4 do
    local id, type, data, extras = ARGV[index] .. '-0', ARGV[index + 1], ARGV[index + 2], ARGV[index + 3]
    if extras == '' then redis.call('XADD', KEYS[2], id, 't', type, 'd', data)
    else redis.call('XADD', KEYS[2], id, 't', type, 'd', data, 'x', extras) end
  end
  if left > 0 then redis.call('PEXPIRE', KEYS[2], left) end
  redis.call('HINCRBY', KEYS[1], 'shape', 1)
  redis.call('HSET', KEYS[1], 'bytes', ARGV[3])
  return 1`);

/** KEYS: the owner of a thread. ARGV: owner, for how long it is kept. */
export const ownThread = redisScript(`
  redis.call('SET', KEYS[1], ARGV[1], 'NX')
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return redis.call('GET', KEYS[1])`);

export const textAt = redisScript(`return redis.call('GET', KEYS[1])`);

/** KEYS: the threads of an owner. ARGV: thread, how many at most, for how long they are kept. The newest has most. */
export const listThread = redisScript(`
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
  local newest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  local time = redis.call('TIME')
  local score = time[1] * 1000000 + time[2]
  if newest[2] and tonumber(newest[2]) >= score then score = tonumber(newest[2]) + 1 end
  redis.call('ZADD', KEYS[1], string.format('%.0f', score), ARGV[1])
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[2] - 1)
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return 1`);

/** KEYS: the threads of an owner. ARGV: how many. */
export const newestThreads = redisScript(`return redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1)`);
