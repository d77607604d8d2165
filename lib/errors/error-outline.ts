const maxFrames = 10;
const maxFrameCharacters = 300;

/** A line of a stack that names a place in the code, as V8 and JavaScriptCore write it. */
const frame = /^\s*(?:at .+|\S*@.+:\d+:\d+)$/;

/**
 * The parts of a foreign error that may be logged: its class, and where it was thrown. Its message may
 * hold anything, so it is left out, also of the stack, which repeats it.
 */
export function outlineOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return describe(error);
  try {
    return [classOf(error), ...framesOf(error)].join("\n");
  } catch {
    // Its properties may be functions that throw.
    return "an object";
  }
}

function describe(value: unknown): string {
  return value === undefined || value === null ? String(value) : `a ${typeof value}`;
}

/** Not its `name`, which may be any text. */
function classOf(error: object): string {
  const { name } = (error as { constructor?: { name?: unknown } }).constructor ?? {};
  return typeof name === "string" && /^[\w$]{1,100}$/.test(name) ? name : "an object";
}

function framesOf(error: object): string[] {
  const { stack, message } = error as { stack?: unknown; message?: unknown };
  if (typeof stack !== "string") return [];
  const lines = withoutMessage(stack, message).split("\n");
  // A message that was changed since is not found. It ends before the last lines that are frames.
  const lastOther = lines.findLastIndex((line) => line.trim() !== "" && !frame.test(line));
  return lines
    .slice(lastOther + 1)
    .filter((line) => frame.test(line))
    .slice(0, maxFrames)
    .map((line) => `    ${line.trim().slice(0, maxFrameCharacters)}`);
}

function withoutMessage(stack: string, message: unknown): string {
  if (typeof message !== "string" || message === "") return stack;
  const start = stack.indexOf(message);
  return start === -1 ? stack : stack.slice(start + message.length);
}
