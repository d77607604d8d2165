import { isAbortSignal } from "../async/realms.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";

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

/** Methods of a newer server pass. */
export function checkListener(method: unknown, listener: unknown): void {
  if (typeof method !== "string" || method === "") {
    throw new InvalidArgumentError("method", "must be the name of a notification");
  }
  if (typeof listener !== "function") {
    throw new InvalidArgumentError("listener", "must be a function");
  }
}
