import { InvalidArgumentError } from "./invalid-argument-error.js";

/**
 * Checks text that is to be sent to the server, which cannot read half of a surrogate pair.
 *
 * @throws InvalidArgumentError
 */
export function checkWellFormed(argument: string, text: string): void {
  if (!text.isWellFormed()) throw halfCharacter(argument, "has");
}

export function halfCharacter(argument: string, has: string): InvalidArgumentError {
  const problem = `${has} half of a surrogate pair, which the server cannot read: cut text between characters`;
  return new InvalidArgumentError(argument, problem);
}
