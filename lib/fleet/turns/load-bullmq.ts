import type * as bullmq from "bullmq";
import { MissingDependencyError } from "../../index.js";

export type BullMq = typeof bullmq;

/**
 * Loads the optional package, once it is needed.
 *
 * @throws MissingDependencyError when it is not installed.
 */
export async function loadBullMq(): Promise<BullMq> {
  try {
    // Bundlers let a package be missing that is imported, and awaited, right in a `try`.
    return await import("bullmq");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    const purpose = "To run turns as jobs";
    throw new MissingDependencyError("bullmq", "bullmq@6 ioredis", purpose, { cause: error });
  }
}
