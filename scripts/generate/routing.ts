import type { Notes } from "./notes.js";
import type { MethodEntry } from "./read-methods.js";
import { resolveShape } from "./type-shape.js";
import type { KeywordName, ObjectShape, TypeShape, TypeTable } from "./type-shape.js";

/** Where in its params a notification keeps the ids that say whom it is for: dotted paths. */
export interface NotificationRoute {
  thread?: string;
  turn?: string;
  item?: string;
  handle?: string;
}

/** Notifications about the whole process, which concern no thread and answer no client's handle. */
export const processWide: readonly string[] = [
  "account/rateLimits/updated",
  "account/updated",
  "app/list/updated",
  "configWarning",
  "deprecationNotice",
  "project/changed",
  "remoteControl/status/changed",
  "skills/changed",
  "windows/worldWritableWarning",
  "windowsSandbox/setupCompleted",
];

/** What the field names cannot say; added to what they do say. */
export const routeOverrides: Readonly<Record<string, NotificationRoute>> = {
  "item/autoApprovalReview/completed": { item: "targetItemId" },
  "item/autoApprovalReview/started": { item: "targetItemId" },
  // Of a request of this client; elsewhere a requestId is the server's.
  "thread/search/partial": { handle: "requestId" },
};

const threadPaths = ["threadId", "thread.id"];
const turnPaths = ["turnId", "turn.id"];
const itemPaths = ["itemId", "item.id"];
const handlePaths = [
  "importId",
  "loginId",
  "processHandle",
  "processId",
  "sessionId",
  "subscriptionId",
  "watchId",
];

/**
 * The route of every notification. One whose params hold no id has an empty route: everybody who listens to
 * all gets it. Unless it is listed as process-wide, it has a note, and so has each entry of a list that no
 * longer fits the protocol.
 */
export function readRouting(
  notifications: readonly MethodEntry[],
  types: TypeTable,
  notes: Notes,
): ReadonlyMap<string, NotificationRoute> {
  const methods = new Set(notifications.map((entry) => entry.method));
  for (const method of [...processWide, ...Object.keys(routeOverrides)]) {
    if (!methods.has(method))
      notes.add(
        method,
        "its entry in the routing lists is not used",
        "the export has no such method",
      );
  }
  return new Map(notifications.map((entry) => [entry.method, routeOf(entry, types, notes)]));
}

/** The route of one notification; see `readRouting`. */
export function routeOf(
  notification: Pick<MethodEntry, "method" | "params">,
  types: TypeTable,
  notes: Notes,
): NotificationRoute {
  const { method } = notification;
  const params = resolveShape(notification.params, types);
  const found = (paths: readonly string[]): string | undefined =>
    paths.find((path) => holdsId(params, path.split("."), types));
  const thread = found(threadPaths);
  const turn = found(turnPaths);
  const item = thread && found(itemPaths);
  // Inside a turn, such a field names something the server made, not a caller's handle.
  const handle = turn ? undefined : found(handlePaths);
  const route = {
    ...(thread && { thread }),
    ...(turn && { turn }),
    ...(item && { item }),
    ...(handle && { handle }),
    ...overrideOf(method, params, types, notes),
  };
  const isEmpty = Object.keys(route).length === 0;
  if (isEmpty && !processWide.includes(method)) {
    const what = "goes to everybody who listens to all notifications";
    notes.add(method, what, "its params hold no known id, and it is not listed as process-wide");
  }
  if (!isEmpty && processWide.includes(method)) {
    const what = `is routed by ${Object.values(route).join(" and ")}`;
    notes.add(method, what, "its params hold an id, though it is listed as process-wide");
  }
  return route;
}

/** As much of the override as the params still have. */
function overrideOf(
  method: string,
  params: TypeShape,
  types: TypeTable,
  notes: Notes,
): NotificationRoute {
  if (!Object.hasOwn(routeOverrides, method)) return {};
  const override = Object.entries(routeOverrides[method] ?? {}) as [string, string][];
  const fitting = override.filter(([, path]) =>
    holdsId(params, path.split("."), types, ["string", "number"]),
  );
  for (const [, path] of override.filter((entry) => !fitting.includes(entry)))
    notes.add(method, `its route override ${path} is not used`, "its params hold no such id");
  return Object.fromEntries(fitting);
}

/** `kinds`: what an id may be; only that of a request may be a number, too. */
function holdsId(
  shape: TypeShape,
  path: readonly string[],
  types: TypeTable,
  kinds: readonly KeywordName[] = ["string"],
): boolean {
  const [name, ...more] = path;
  if (name === undefined) return isId(shape, types, kinds);
  const objects = alternatives(shape, types);
  return (
    objects.length > 0 &&
    objects.every((object) => {
      const field = object.fields.find((candidate) => candidate.name === name);
      return field !== undefined && holdsId(field.type, more, types, kinds);
    })
  );
}

function isId(shape: TypeShape, types: TypeTable, kinds: readonly KeywordName[]): boolean {
  const target = resolveShape(shape, types);
  if (target.kind === "union") {
    return target.members.every((member) => isNull(member) || isId(member, types, kinds));
  }
  return target.kind === "keyword" && kinds.includes(target.name);
}

/** The objects a value may be; none when it may also be something else. */
function alternatives(shape: TypeShape, types: TypeTable): readonly ObjectShape[] {
  const target = resolveShape(shape, types);
  if (target.kind === "object") return [target];
  if (target.kind !== "union") return [];
  const members = target.members.map((member) => alternatives(member, types));
  return members.every((member) => member.length > 0) ? members.flat() : [];
}

function isNull(shape: TypeShape): boolean {
  return shape.kind === "keyword" && shape.name === "null";
}
