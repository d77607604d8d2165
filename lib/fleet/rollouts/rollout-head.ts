/** The thread whose history a rollout says that it holds; undefined for what is no rollout. */
export function threadIn(firstLine: string | undefined): string | undefined {
  return textIn(firstLine, "id");
}

/** The thread that it was forked from: the rollout goes on where that one stood. */
export function sourceThreadIn(firstLine: string | undefined): string | undefined {
  return textIn(firstLine, "forked_from_id");
}

function textIn(firstLine: string | undefined, name: string): string | undefined {
  try {
    const line: unknown = JSON.parse(firstLine ?? "");
    if (!isObject(line) || line["type"] !== "session_meta") return undefined;
    const value = isObject(line["payload"]) ? line["payload"][name] : undefined;
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
