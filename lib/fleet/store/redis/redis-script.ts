import { createHash } from "node:crypto";

/** A script that Redis runs as one step, and knows by its hash once it has seen it. */
export interface RedisScript {
  readonly lua: string;
  readonly hash: string;
}

export function redisScript(lua: string): RedisScript {
  return { lua, hash: createHash("sha1").update(lua).digest("hex") };
}
