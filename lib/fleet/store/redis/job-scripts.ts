import { redisScript } from "./redis-script.js";

// KEYS: what is known of a job (a hash): its mark and who has set it, `last`: the number of its newest command, `open`:
// how many have no outcome, `c1`, `c2`…: these commands, `o1`, `o2`…: the outcomes of others, `n:…`: notes, `forget`:
// when all this is to be forgotten.

const keep = (ms: string): string => `
  local forget = redis.call('HGET', KEYS[1], 'forget')
  if forget then redis.call('PEXPIREAT', KEYS[1], forget) else redis.call('PEXPIRE', KEYS[1], ${ms}) end`;

/** ARGV: mark, holder, for how long it is kept. Gives the mark that counts. */
export const markJob = redisScript(`
  local mark = redis.call('HGET', KEYS[1], 'mark')
  if mark then return mark end
  redis.call('HSET', KEYS[1], 'mark', ARGV[1], 'holder', ARGV[2])${keep("ARGV[3]")}
  return ARGV[1]`);

/** ARGV: field. */
export const fieldOfJob = redisScript(`return redis.call('HGET', KEYS[1], ARGV[1])`);

/** ARGV: holder. */
export const unmarkJob = redisScript(`
  if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
  redis.call('HDEL', KEYS[1], 'mark', 'holder')
  return 1`);

/** ARGV: command, the channel of the job's news, for how long it is kept, how many may be open. Gives its number. */
export const sendCommand = redisScript(`
  if tonumber(redis.call('HGET', KEYS[1], 'open') or '0') >= tonumber(ARGV[4]) then return 0 end
  local seq = redis.call('HINCRBY', KEYS[1], 'last', 1)
  redis.call('HINCRBY', KEYS[1], 'open', 1)
  redis.call('HSET', KEYS[1], 'c' .. seq, ARGV[1])${keep("ARGV[3]")}
  redis.call('PUBLISH', ARGV[2], '')
  return seq`);

/** ARGV: behind which number, how many at most. Gives number and command of each that has no outcome. */
export const openCommands = redisScript(`
  local state = redis.call('HMGET', KEYS[1], 'last', 'open')
  local last, open, found = tonumber(state[1] or '0'), tonumber(state[2] or '0'), {}
  if open == 0 then return found end
  for seq = last, tonumber(ARGV[1]) + 1, -1 do
    local command = redis.call('HGET', KEYS[1], 'c' .. seq)
    if command then
      open = open - 1
      table.insert(found, 1, command)
      table.insert(found, 1, seq)
      if open == 0 then break end
    end
  end
  return found`);

/** ARGV: number, outcome, the channel of the job's news, how many outcomes are kept. */
export const settleCommand = redisScript(`
  local seq = ARGV[1]
  if redis.call('HDEL', KEYS[1], 'c' .. seq) == 0 then return 0 end
  redis.call('HINCRBY', KEYS[1], 'open', -1)
  redis.call('HSET', KEYS[1], 'o' .. seq, ARGV[2])
  redis.call('HDEL', KEYS[1], 'o' .. string.format('%.0f', seq - ARGV[4]))
  redis.call('PUBLISH', ARGV[3], '')
  return 1`);

/** ARGV: field, value, for how long it is kept. */
export const noteOnJob = redisScript(`
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])${keep("ARGV[3]")}
  return 1`);

/** ARGV: after how long. */
export const forgetJob = redisScript(`
  if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
  local time = redis.call('TIME')
  local at = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
  redis.call('HSET', KEYS[1], 'forget', at)
  return redis.call('PEXPIREAT', KEYS[1], at)`);
