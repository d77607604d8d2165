import { Notes, renderNote } from "../../../scripts/generate/notes.js";
import { readMethods } from "../../../scripts/generate/read-methods.js";
import type { ProtocolMethods } from "../../../scripts/generate/read-methods.js";
import { parseExport, readTypes } from "../../../scripts/generate/read-types.js";
import { renderTypes } from "../../../scripts/generate/render-types.js";
import type { TypeTable } from "../../../scripts/generate/type-shape.js";

/** A type table from type expressions by key, such as `"v2/Thread": "{ id: string }"`. */
export function tableOf(
  sources: Record<string, string>,
  stable: Record<string, string> = sources,
  notes: Notes = new Notes(),
): TypeTable {
  const parsedStable = parseExport(filesOf(stable), new Notes());
  return readTypes(parseExport(filesOf(sources), notes), parsedStable, notes);
}

/** The methods of a table that is its own stable export. */
export const methodsOf = (types: TypeTable, notes: Notes = new Notes()): ProtocolMethods =>
  readMethods(types, types, notes);

/** What was noted, one line each. */
export const linesOf = (notes: Notes): string[] => notes.list().map(renderNote);

/** The files of an export from type expressions by key. */
export function filesOf(sources: Record<string, string>): Map<string, string> {
  const keys = Object.keys(sources);
  return new Map(
    Object.entries(sources).map(([key, source]) => {
      const imports = keys
        .filter((other) => other !== key && new RegExp(`\\b${nameOf(other)}\\b`).test(source))
        .map((other) => `import type { ${nameOf(other)} } from "${relativeTo(key, other)}";`);
      return [key, [...imports, `export type ${nameOf(key)} = ${source};`].join("\n")];
    }),
  );
}

const nameOf = (key: string): string => key.slice(key.lastIndexOf("/") + 1);
const relativeTo = (key: string, other: string): string =>
  `${key.includes("/") ? "../" : "./"}${other}`;

/** One type of the table as it would be written, on one line. */
export const shapeOf = (types: TypeTable, name: string): string =>
  renderTypes(new Map([...types].filter(([key]) => key === name)))
    .split("\n")
    .slice(2)
    .join(" ")
    .replace(/\s+/g, " ")
    .trim();

/** A whole small protocol. */
export const protocol = {
  RequestId: "string | number",
  ClientNotification: '{ "method": "initialized" }',
  ClientRequest:
    '{ "method": "thread/start", id: RequestId, params: ThreadStartParams, }' +
    ' | { "method": "memory/reset", id: RequestId, params: undefined, }' +
    ' | { "method": "usage/read", id: RequestId, params?: UsageParams | null, }',
  ServerRequest: '{ "method": "time/read", id: RequestId, params: TimeReadParams, }',
  ServerNotification:
    '{ "method": "thread/started", "params": ThreadStartedNotification } | { "method": "account/updated", "params": AccountUpdatedNotification }',
  ThreadStartParams: "{ cwd: string, }",
  ThreadStartResponse: "{ thread: Thread, }",
  MemoryResetResponse: "Record<string, never>",
  UsageParams: "{ threadId: string | null, }",
  UsageResponse: "{ total: number, }",
  TimeReadParams: "{ threadId: string, }",
  TimeReadResponse: "{ at: number, }",
  Thread: "{ id: string, name: string | null, }",
  ThreadStartedNotification: "{ thread: Thread, }",
  AccountUpdatedNotification: "{ plan: string | null, }",
};

export function without(
  sources: Record<string, string>,
  ...keys: string[]
): Record<string, string> {
  return Object.fromEntries(Object.entries(sources).filter(([key]) => !keys.includes(key)));
}
