import { redisScript } from "./redis-script.js";

/** KEYS: a thread's line, the first with the lowest number. ARGV: job, for how long the line is kept. */
export const joinLine = redisScript(`
  if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
    local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
    redis.call('ZADD', KEYS[1], string.format('%.0f', (last[2] or 0) + 1), ARGV[1])
  end
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])`);

export const firstInLine = redisScript(`return redis.call('ZRANGE', KEYS[1], 0, 0)[1]`);

/** ARGV: job. Gives the first one that is left. */
export const leaveLine = redisScript(`
  redis.call('ZREM', KEYS[1], ARGV[1])
  return redis.call('ZRANGE', KEYS[1], 0, 0)[1]`);

/** KEYS: a thread's host. ARGV: host, for how long it is kept. Gives the host that counts. */
export const settleThread = redisScript(`
  redis.call('SET', KEYS[1], ARGV[1], 'NX')
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return redis.call('GET', KEYS[1])`);

/** ARGV: from, to, for how long it is kept. */
export const moveThread = redisScript(`
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1`);

const now = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** KEYS: the hosts, each with the time until which it is alive. ARGV: host, for how long (ms). */
export const hostIsAlive = redisScript(`${now}
  local until_ = now + ARGV[2]
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
  local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
  if not known or tonumber(known) < until_ then
    redis.call('ZADD', KEYS[1], string.format('%.0f', until_), ARGV[1])
  end
  local latest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  if latest[2] then redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', latest[2])) end
  return 1`);

export const hostsAlive = redisScript(`${now}
  return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now), '+inf')`);
