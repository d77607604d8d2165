import type { Redis } from "ioredis";
import { MissingDependencyError } from "../../../index.js";
import { requireInstead } from "../require-instead.js";

/** The class of the optional package, once it is imported. */
export type RedisClass = typeof Redis;

/** @throws MissingDependencyError when ioredis is not installed. */
export async function loadIoredis(
  load: () => Promise<object> = importIoredis,
): Promise<RedisClass> {
  let loaded: { Redis?: RedisClass; default?: RedisClass & { Redis?: RedisClass } };
  try {
    loaded = await load();
  } catch (cause) {
    throw new MissingDependencyError("ioredis", "ioredis@5", "To keep a fleet in Redis", { cause });
  }
  const found = loaded.Redis ?? loaded.default?.Redis ?? loaded.default;
  if (found) return found;
  throw new MissingDependencyError("ioredis", "ioredis@5", "To keep a fleet in Redis");
}

async function importIoredis(): Promise<object> {
  try {
    // Bundlers let a package be missing that is imported, and awaited, right in a `try`.
    return await import("ioredis");
  } catch (error) {
    return requireInstead("ioredis", error);
  }
}
