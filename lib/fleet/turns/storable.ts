/**
 * A value as every database of BullMQ stores it: PostgreSQL's JSON takes no NUL, and no half of a surrogate pair. Both become
 * U+FFFD.
 */
export function storable<Value>(value: Value): Value {
  const json = JSON.stringify(value);
  if (!/\\u(0000|d[89a-f])/.test(json)) return value;
  return JSON.parse(json, (_key, each: unknown) =>
    typeof each === "string" ? each.toWellFormed().replaceAll("\0", "\ufffd") : each,
  ) as Value;
}
