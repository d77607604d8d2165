/** The fields of what may be no object: what a server sends need not be what the types say. */
export type Fields = Readonly<Record<string, unknown>>;

const noFields: Fields = {};

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : noFields;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** `null`, which JSON has, for what is no number. */
export function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

export function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((each) => typeof each === "string");
}

/** A server of the supported kind nests no deeper: its own parser would not read it. */
const maxDepth = 128;

/** The value, or `null` if writing it as JSON might take more stack than there is. */
export function shallow(value: unknown): unknown {
  return isShallow(value, maxDepth) ? (value ?? null) : null;
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((each) => isShallow(each, levels - 1));
}
