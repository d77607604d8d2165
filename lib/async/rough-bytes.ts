/** The memory of a value besides its text (bytes, roughly). */
const perValue = 32;

/**
 * About how much memory a value that came as JSON takes (bytes). Good enough for limits that only
 * need to be of the right order. It does not recurse: what comes may be nested very deeply.
 */
export function roughBytes(value: unknown): number {
  if (typeof value === "string") return perValue + value.length;
  if (typeof value !== "object" || value === null) return perValue;
  let bytes = perValue;
  const open: object[] = [value];
  for (let object = open.pop(); object; object = open.pop()) {
    // Faster than Object.values(), and JSON has no prototypes with fields in them.
    for (const key in object) {
      const each = (object as Record<string, unknown>)[key];
      bytes += perValue;
      if (typeof each === "string") bytes += each.length;
      else if (typeof each === "object" && each !== null) open.push(each);
    }
  }
  return bytes;
}
