/** What stands at a path of names in a message, or a part of one; undefined where there is nothing. */
export function fieldOf(message: unknown, ...path: readonly string[]): unknown {
  let found = message;
  for (const name of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Readonly<Record<string, unknown>>)[name];
  }
  return found;
}

/** The same where it is a text. */
export function textOf(message: unknown, ...path: readonly string[]): string | undefined {
  const found = fieldOf(message, ...path);
  return typeof found === "string" ? found : undefined;
}
