import {
  type NotificationRoute,
  notificationRouting,
  unroutedNotifications,
} from "../../generated/routing.js";
import type { NotificationMessage } from "../jsonrpc/message.js";

type Read = (params: Readonly<Record<string, unknown>>) => string | undefined;

interface Route {
  readonly thread: Read;
  readonly turn: Read;
}

/**
 * For methods that are newer than this library, and those of which the generator could not tell: they name
 * their thread and turn in one of these ways, or are about none.
 */
const usual: Route = {
  thread: firstOf(reader("threadId"), reader("thread.id")),
  turn: firstOf(reader("turnId"), reader("turn.id")),
};

const routes = new Map<string, Route>(
  Object.entries<NotificationRoute>(notificationRouting).map(([method, route]) => [
    method,
    { thread: reader(route.thread), turn: reader(route.turn) },
  ]),
);
for (const method of unroutedNotifications) routes.set(method, usual);

/** Whether notifications have this name, which a request then must not be taken for. */
export function isNotificationName(method: string): boolean {
  return routes.has(method);
}

/** The thread that a notification is about; `undefined` when it is about none. */
export function threadIdOf(message: NotificationMessage): string | undefined {
  return read("thread", message);
}

/** The turn that a notification is about; `undefined` when it is about none. */
export function turnIdOf(message: NotificationMessage): string | undefined {
  return read("turn", message);
}

/** The ids in params whose method says nothing of where they are. */
export function idsIn(params: Readonly<Record<string, unknown>>): {
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
} {
  return { threadId: usual.thread(params), turnId: usual.turn(params) };
}

function read(key: "thread" | "turn", message: NotificationMessage): string | undefined {
  const { params } = message;
  if (typeof params !== "object" || params === null) return undefined;
  return routeOf(message.method)[key](params as Record<string, unknown>);
}

let latestMethod = "";
let latestRoute = usual;

/** One method comes many times in a row, and comparing two strings is cheaper than hashing one. */
function routeOf(method: string): Route {
  if (method !== latestMethod) {
    latestMethod = method;
    latestRoute = routes.get(method) ?? usual;
  }
  return latestRoute;
}

/** Nearly every path has one step; these closures keep the hot path free of splitting. */
function reader(path: string | undefined): Read {
  if (path === undefined) return () => undefined;
  const [first, second] = path.split(".") as [string, string?];
  if (second === undefined) return (params) => asId(params[first]);
  return (params) => {
    const inner = params[first];
    return typeof inner === "object" && inner !== null
      ? asId((inner as Record<string, unknown>)[second])
      : undefined;
  };
}

function firstOf(one: Read, other: Read): Read {
  return (params) => one(params) ?? other(params);
}

function asId(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
