import type { MethodEntry, ProtocolMethods, RequestEntry } from "./read-methods.js";
import { banner, renderDoc, remarksOn, renderKey, renderShape } from "./render-types.js";
import type { PathKind } from "./paths.js";
import { processWide } from "./routing.js";
import type { NotificationRoute } from "./routing.js";
import { refsIn } from "./type-shape.js";
import type { Tag } from "./type-shape.js";

/** The module with one interface per kind of message, before formatting. */
export function renderMethods(methods: ProtocolMethods): string {
  const requests = [...methods.clientRequests, ...methods.serverRequests];
  const all = [...requests, ...methods.clientNotifications, ...methods.serverNotifications];
  const names = new Set([
    ...all.flatMap((entry) => [...refsIn(entry.params)]),
    ...requests.flatMap((request) => request.result ?? []),
  ]);
  const serverRequestKeys = methods.serverRequests.map(
    ({ method }) => `${renderKey(method)}: true,`,
  );
  return [
    banner,
    "",
    `import type { ${[...names].sort().join(", ")} } from "./types.js";`,
    "",
    "/** The methods that a client calls, with what each takes and gives. */",
    renderMap("ClientRequests", methods.clientRequests, renderRequest),
    "/** The notifications that a client sends. */",
    renderMap("ClientNotifications", methods.clientNotifications, renderNotification),
    "/** The methods that the server calls on its client, with what each takes and gives. */",
    renderMap("ServerRequests", methods.serverRequests, renderRequest),
    "/** The notifications that the server sends. */",
    renderMap("ServerNotifications", methods.serverNotifications, renderNotification),
    "export type ClientRequestMethod = keyof ClientRequests;",
    "export type ClientNotificationMethod = keyof ClientNotifications;",
    "export type ServerRequestMethod = keyof ServerRequests;",
    "export type ServerNotificationMethod = keyof ServerNotifications;",
    "",
    "/** The methods that the server calls on its client, as keys. */",
    `export const serverRequestKeys = {${serverRequestKeys.join("")}} as const;`,
    "",
  ].join("\n");
}

/** The module with the routing table, before formatting. */
export function renderRouting(routes: ReadonlyMap<string, NotificationRoute>): string {
  const lines = [...routes].map(
    ([method, route]) => `${renderKey(method)}: ${JSON.stringify(route)},`,
  );
  const unrouted = [...routes].flatMap(([method, route]) =>
    Object.keys(route).length === 0 && !processWide.includes(method) ? [method] : [],
  );
  return `${banner}

import type { ServerNotificationMethod } from "./methods.js";

/** Where a notification's params keep the ids that say whom it is for: dotted paths. */
export interface NotificationRoute {
  readonly thread?: string;
  readonly turn?: string;
  readonly item?: string;
  /** An id that the caller chose or was given, such as a process, watch or login id. */
  readonly handle?: string;
}

/** One route for each notification; the ones about the whole process have an empty route. */
export const notificationRouting = {
${lines.join("\n")}
} as const satisfies Record<ServerNotificationMethod, NotificationRoute>;

/** Those of which nobody has said what they are about: only what one carries can tell. */
export const unroutedNotifications: readonly ServerNotificationMethod[] = ${JSON.stringify(unrouted)};
`;
}

/** The module that says where requests hold paths, before formatting. */
export function renderPaths(paths: ReadonlyMap<string, ReadonlyMap<string, PathKind>>): string {
  const lines = [...paths].map(
    ([method, places]) =>
      `${renderKey(method)}: {${[...places].map(([place, kind]) => `${renderKey(place)}: ${JSON.stringify(kind)}`).join(", ")}},`,
  );
  return `${banner}

import type { ClientRequestMethod } from "./methods.js";

/**
 * What the server does with a path: \`"absolute"\` refuses relative ones, \`"text"\` lets them start where
 * the server runs, and may put the home directory in the place of a \`~\`.
 */
export type PathKind = "absolute" | "text";

/**
 * Where the params of requests hold paths of the server's machine: \`a.*.b\` is the field \`b\` of each
 * element of \`a\`.
 */
export const requestPaths: Readonly<
  Partial<Record<ClientRequestMethod, Readonly<Record<string, PathKind>>>>
> = {
${lines.join("\n")}
};
`;
}

/** The module that says which runtime all of this was made from, before formatting. */
export function renderRuntime(version: string): string {
  return `${banner}

/** The version of the codex binary that the types, methods and schemas were made from. */
export const RUNTIME_VERSION = ${JSON.stringify(version)};
`;
}

function renderMap<Entry extends MethodEntry & { readonly result?: string | undefined }>(
  name: string,
  entries: readonly Entry[],
  render: (entry: Entry) => string,
): string {
  const lines = entries.map((entry) => {
    const tags: Tag[] = entry.experimental ? ["experimental"] : [];
    return `${renderDoc(remarksOn(entry), tags)}${JSON.stringify(entry.method)}: ${render(entry)};`;
  });
  return `export interface ${name} {\n${lines.join("\n")}\n}\n`;
}

function renderRequest(entry: RequestEntry): string {
  return `{ params: ${renderShape(entry.params)}; result: ${entry.result ?? "unknown"} }`;
}

function renderNotification(entry: MethodEntry): string {
  return `{ params: ${renderShape(entry.params)} }`;
}
