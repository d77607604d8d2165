/** Compile-time checks of the generated types; nothing here runs. */
import type {
  ClientNotificationMethod,
  ClientRequestMethod,
  ClientRequests,
  ServerNotificationMethod,
  ServerNotifications,
  ServerRequests,
} from "../../generated/methods.js";
import type { NotificationRoute, notificationRouting } from "../../generated/routing.js";
import type {
  ClientRequest,
  ServerNotification,
  ServerRequest,
  ThreadItem,
  ThreadStartParams,
  ThreadStartResponse,
} from "../../generated/types.js";

type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;
type MayBeLeftOut<Method extends ClientRequestMethod> =
  undefined extends ClientRequests[Method]["params"] ? true : false;
type Hold<Checks extends true[]> = Checks;

/** The maps and the message unions list the same methods. */
export type SameMethods = Hold<
  [
    Same<ClientRequestMethod, ClientRequest["method"]>,
    Same<keyof ServerRequests, ServerRequest["method"]>,
    Same<ServerNotificationMethod, ServerNotification["method"]>,
    Same<keyof typeof notificationRouting, ServerNotificationMethod>,
    Same<ClientNotificationMethod, "initialized">,
  ]
>;

/** A method leads to its params, which the server wants even when they are empty, and its result. */
export type MethodsLeadOn = Hold<
  [
    Same<ClientRequests["thread/start"]["params"], ThreadStartParams>,
    Same<ClientRequests["thread/start"]["result"], ThreadStartResponse>,
    Same<ClientRequests["account/logout"]["params"], undefined>,
    Same<MayBeLeftOut<"account/usage/read">, true>,
    Same<MayBeLeftOut<"thread/list">, false>,
    Same<Extract<ThreadItem, { type: "plan" }>["text"], string>,
  ]
>;

// An item narrows by its type, although upstream writes items as an intersection.
export function textOf(item: ThreadItem): string {
  if (item.type === "agentMessage") return item.text;
  return item.type === "commandExecution" ? (item.aggregatedOutput ?? "") : item.id;
}

// What a client may leave out is optional.
export const request: ClientRequests["turn/start"]["params"] = {
  threadId: "t1",
  input: [{ type: "text", text: "Hello" }],
};
export const handshake: ClientRequests["initialize"]["params"] = {
  clientInfo: { name: "test", version: "1.0.0" },
};

// @ts-expect-error -- a thread id is a string
export const wrong: ServerNotifications["turn/started"]["params"]["threadId"] = 1;

export const route: NotificationRoute = { thread: "threadId" };
