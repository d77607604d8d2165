import { posix, win32 } from "node:path";
import { isAbortSignal } from "./async/realms.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";

/** @throws InvalidArgumentError when `value` is not a string, or is empty. */
export function checkText(argument: string, value: unknown): void {
  if (typeof value !== "string" || value === "") {
    throw new InvalidArgumentError(argument, "must be a string that is not empty");
  }
}

/** @throws InvalidArgumentError when `value` is given, and is neither true nor false. */
export function checkFlag(argument: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new InvalidArgumentError(argument, "must be true or false");
}

/**
 * Any signal will do that behaves like one, also of another realm.
 *
 * @throws InvalidArgumentError for anything else than a signal or undefined.
 */
export function checkSignal(value: unknown): void {
  if (value === undefined || isAbortSignal(value)) return;
  throw new InvalidArgumentError("signal", "must be an AbortSignal");
}

/**
 * The server refuses a relative path in words that do not say so. It may run on another machine, so
 * either kind of absolute path will do.
 *
 * @throws InvalidArgumentError for anything else.
 */
export function checkAbsolutePath(argument: string, value: unknown): void {
  if (typeof value === "string" && (posix.isAbsolute(value) || win32.isAbsolute(value))) return;
  throw new InvalidArgumentError(argument, "must be an absolute path");
}
