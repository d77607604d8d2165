/** What a server might put in the place of anything. */
export const oddValues: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  1e308,
  "",
  "__proto__",
  "toString",
  "\ud800",
  [],
  [null],
  {},
  { length: 1e9 },
  { then: 1 },
  JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
  JSON.parse('{"toString":1,"valueOf":1,"toJSON":1}'),
];

/** The value with an odd one in the place of each of its parts, one at a time. */
export function* withOddParts(value: unknown): Generator {
  yield* oddValues;
  if (Array.isArray(value)) {
    for (const [index, inner] of value.entries()) {
      for (const changed of withOddParts(inner)) yield value.with(index, changed);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      for (const changed of withOddParts(inner)) yield { ...value, [key]: changed };
    }
  }
}
