/**
 * A value as every database of BullMQ stores it: PostgreSQL's JSON takes no NUL, and no half of a surrogate pair, in texts
 * and in names. Both become U+FFFD.
 */
export function storable<Value>(value: Value): Value {
  const json = JSON.stringify(value);
  if (!/\\u(0000|d[89a-f])/.test(json)) return value;
  return JSON.parse(json, (_key, each: unknown) => {
    if (typeof each === "string") return storableText(each);
    if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).map(([name, of]) => [storableText(name), of]));
  }) as Value;
}

function storableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}
