import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";

/** By these the AI SDK knows its errors, whichever copy of it has made them. */
const markers = [
  "vercel.ai.error",
  "vercel.ai.error.AI_HarnessError",
  "vercel.ai.error.AI_HarnessCapabilityUnsupportedError",
].map((name) => Symbol.for(name));

/**
 * An error for what the harness cannot do. It passes for the AI SDK's `HarnessCapabilityUnsupportedError`, which is
 * not imported here.
 */
export function unsupported(argument: string, problem: string): InvalidArgumentError {
  const error = new InvalidArgumentError(argument, problem);
  for (const marker of markers) Object.defineProperty(error, marker, { value: true });
  return Object.defineProperty(error, "harnessId", { value: "codex" });
}
