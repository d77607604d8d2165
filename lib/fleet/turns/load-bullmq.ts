import type * as bullmq from "bullmq";
import { MissingDependencyError } from "../../index.js";
import { requireInstead } from "../store/require-instead.js";

export type BullMq = typeof bullmq;

/**
 * Loads the optional package, once it is needed.
 *
 * @throws MissingDependencyError when it is not installed.
 */
export async function loadBullMq(load: () => Promise<object> = importBullMq): Promise<BullMq> {
  let loaded: Partial<BullMq> & { default?: BullMq };
  try {
    loaded = await load();
  } catch (cause) {
    throw new MissingDependencyError("bullmq", install, purpose, { cause });
  }
  const found = loaded.Queue ? (loaded as BullMq) : loaded.default;
  if (found) return found;
  throw new MissingDependencyError("bullmq", install, purpose);
}

const purpose = "To run turns as jobs";
const install = "bullmq@6 ioredis@5";

async function importBullMq(): Promise<object> {
  try {
    // Bundlers let a package be missing that is imported, and awaited, right in a `try`.
    return await import("bullmq");
  } catch (error) {
    return requireInstead("bullmq", error);
  }
}
