import type { MethodEntry } from "./read-methods.js";
import type { ObjectShape, TypeShape, TypeTable } from "./type-shape.js";

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
 * The route of every notification. Throws, naming the method, when its params hold no id and it is
 * not listed as process-wide, and when a list or an override no longer fits the protocol.
 */
export function readRouting(
  notifications: readonly MethodEntry[],
  types: TypeTable,
): ReadonlyMap<string, NotificationRoute> {
  const methods = new Set(notifications.map((entry) => entry.method));
  for (const method of [...processWide, ...Object.keys(routeOverrides)]) {
    if (!methods.has(method))
      throw new Error(`The routing lists name ${method}, which does not exist`);
  }
  return new Map(notifications.map((entry) => [entry.method, routeOf(entry, types)]));
}

/** The route of one notification; see `readRouting`. */
export function routeOf(
  notification: Pick<MethodEntry, "method" | "params">,
  types: TypeTable,
): NotificationRoute {
  const { method } = notification;
  const params = resolve(notification.params, types);
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
    ...routeOverrides[method],
  };
  const empty = Object.keys(route).length === 0;
  if (empty && !processWide.includes(method)) {
    throw new Error(`The notification ${method} has no routing entry: no known id in its params`);
  }
  if (!empty && processWide.includes(method)) {
    throw new Error(
      `The notification ${method} is listed as process-wide, yet its params hold an id`,
    );
  }
  return route;
}

function holdsId(shape: TypeShape, path: readonly string[], types: TypeTable): boolean {
  const [name, ...more] = path;
  if (name === undefined) return isId(shape, types);
  const objects = alternatives(shape, types);
  return (
    objects.length > 0 &&
    objects.every((object) => {
      const field = object.fields.find((candidate) => candidate.name === name);
      return field !== undefined && holdsId(field.type, more, types);
    })
  );
}

function isId(shape: TypeShape, types: TypeTable): boolean {
  const target = resolve(shape, types);
  if (target.kind === "union") {
    return target.members.every((member) => isNull(member) || isId(member, types));
  }
  return target.kind === "keyword" && target.name === "string";
}

/** The objects a value may be; none when it may also be something else. */
function alternatives(shape: TypeShape, types: TypeTable): readonly ObjectShape[] {
  const target = resolve(shape, types);
  if (target.kind === "object") return [target];
  if (target.kind !== "union") return [];
  const members = target.members.map((member) => alternatives(member, types));
  return members.every((member) => member.length > 0) ? members.flat() : [];
}

function resolve(shape: TypeShape, types: TypeTable): TypeShape {
  if (shape.kind !== "ref") return shape;
  const target = types.get(shape.name);
  if (!target) throw new Error(`There is no type ${shape.name}`);
  return resolve(target.shape, types);
}

function isNull(shape: TypeShape): boolean {
  return shape.kind === "keyword" && shape.name === "null";
}
