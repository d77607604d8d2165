import type { Notes } from "./notes.js";
import type { ProtocolMethods } from "./read-methods.js";
import { renderKey } from "./render-types.js";
import { refsIn, resolveShape } from "./type-shape.js";
import type { TypeShape, TypeTable } from "./type-shape.js";

/** What the server says and callers spread into options. */
const answers = [
  "ThreadForkResponse",
  "ThreadGoal",
  "ThreadResumeResponse",
  "ThreadSettings",
  "ThreadStartResponse",
];

/**
 * The names of the fields of each client request's params, before formatting: options are checked
 * against them at run time. One constant for each type, and a table of them by method.
 */
export function renderKeys(
  { clientRequests }: ProtocolMethods,
  types: TypeTable,
  notes: Notes,
): string {
  const params = clientRequests.flatMap((entry) => [...refsIn(entry.params)]);
  for (const name of answers) {
    if (!types.has(name)) notes.add(name, "has no list of its keys", "the export has no such type");
  }
  const names = [...new Set([...params, ...answers])].filter((name) => types.has(name)).sort();
  const lines = names.flatMap((name) => {
    const keys = keysOf({ kind: "ref", name }, types);
    if (!keys) return [];
    const fields = [...keys].sort().map((key) => `${renderKey(key)}: true,`);
    return [`export const ${constantOf(name)} = {${fields.join("")}} as const;\n`];
  });
  const byMethod = clientRequests.flatMap((entry) => {
    // Params that may be left out are a union.
    const isNamed = entry.params.kind === "ref" || entry.params.kind === "union";
    const [name, ...others] = isNamed ? refsIn(entry.params) : [];
    if (name === undefined || others.length > 0 || !keysOf({ kind: "ref", name }, types)) return [];
    return [`${renderKey(entry.method)}: ${constantOf(name)},`];
  });
  const table = `/** The same by method. */\nexport const paramsKeys = {${byMethod.join("")}} as const;\n`;
  return [...lines, table].join("\n");
}

function constantOf(name: string): string {
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}Keys`;
}

/** The fields of an object, and of a union those of all its members; undefined for anything else. */
function keysOf(shape: TypeShape, types: TypeTable): Set<string> | undefined {
  switch (shape.kind) {
    case "ref":
      return keysOf(resolveShape(shape, types), types);
    case "object":
      return shape.rest ? undefined : new Set(shape.fields.map(({ name }) => name));
    case "union":
    case "intersection": {
      const keys = shape.members.map((member) => keysOf(member, types));
      return keys.every((each) => each !== undefined)
        ? new Set(keys.flatMap((each) => [...each]))
        : undefined;
    }
    default:
      return undefined;
  }
}
