import { checkOptions } from "../../errors/check-options.js";
import {
  callback,
  check,
  checkFields,
  milliseconds,
  text,
  whole,
} from "../../errors/check-values.js";
import type { RolloutStore } from "./rollout-store.js";

/** Options of `exportThread()` and `importThread()`. */
export interface MoveThreadOptions {
  /**
   * Where this process sees the `CODEX_HOME` of the server (default: where the server says it is, as is right for one
   * on the same machine).
   */
  readonly codexHome?: string | undefined;
}

/** Options of `importThread()`. */
export interface ImportThreadOptions extends MoveThreadOptions {
  /**
   * The generation that the store is known to have, as `exportThread()` told: a shared file system may show an older one
   * for a moment, and a turn on that would fork the thread (default: whatever the store shows).
   */
  readonly atLeast?: number | undefined;
}

/** Options of `releaseThread()`. */
export interface ReleaseThreadOptions {
  /** How long the server may take (ms, default 120,000). */
  readonly timeoutMs?: number | undefined;
}

const moveRules = { codexHome: text };
const importRules = { ...moveRules, atLeast: whole(1) };
const releaseRules = { timeoutMs: milliseconds };

export function checkExport(options: MoveThreadOptions): void {
  checkOptions("exportThread()", options, moveRules);
  checkFields(options, moveRules);
}

export function checkImport(options: ImportThreadOptions): void {
  checkOptions("importThread()", options, importRules);
  checkFields(options, importRules);
}

export function checkRelease(options: ReleaseThreadOptions): void {
  checkOptions("releaseThread()", options, releaseRules);
  checkFields(options, releaseRules);
}

/** @throws InvalidArgumentError for what lacks a method of a store. */
export function checkStore(store: RolloutStore): void {
  for (const name of ["head", "commit", "write", "read", "remove"] as const) {
    check(`store.${name}`, (store as Partial<RolloutStore> | null | undefined)?.[name], callback);
  }
}
