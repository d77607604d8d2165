/**
 * Notes which methods of the protocol the tests of a file touch, for docs/coverage.md. It is set up by
 * jest.config.js, before each test file, when PROTOCOL_RECORDINGS names a folder.
 */
import { afterAll, expect } from "@jest/globals";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { JsonRpcError } from "../../lib/errors/rpc-errors.js";
import { Connection } from "../../lib/jsonrpc/connection.js";
import { NotificationHub } from "../../lib/session/notification-hub.js";
import { RequestDispatcher } from "../../lib/session/requests/dispatcher.js";

const seen = {
  clientRequests: new Set<string>(),
  clientNotifications: new Set<string>(),
  serverRequests: new Set<string>(),
  serverNotifications: new Set<string>(),
};

/** Calls `note` with the method's name before each call of a function that gets it or a message. */
function observe<Class extends object>(
  prototype: Class,
  name: keyof Class & string,
  note: (method: string) => void,
): void {
  const original = Reflect.get(prototype, name) as (...args: unknown[]) => unknown;
  const observed = function (this: unknown, ...args: [string | { method: string }]): unknown {
    const [first] = args;
    note(typeof first === "string" ? first : first.method);
    return original.apply(this, args);
  };
  Reflect.set(prototype, name, observed);
}

observe(Connection.prototype, "notify", (method) => seen.clientNotifications.add(method));
observe(RequestDispatcher.prototype, "receive", (method) => seen.serverRequests.add(method));
observe(NotificationHub.prototype, "publish", (method) => seen.serverNotifications.add(method));

// A request counts when the server has answered it, be it with a refusal. The promise is awaited, and
// by nobody else: with a second listener, stacks would no longer tell who made the call.
const request = Reflect.get<Connection, "request">(Connection.prototype, "request");
Connection.prototype.request = async function (this: Connection, method, ...rest) {
  try {
    const result = await request.call(this, method, ...rest);
    seen.clientRequests.add(method);
    return result;
  } catch (error) {
    if (error instanceof JsonRpcError) seen.clientRequests.add(method);
    throw error;
  }
};

afterAll(() => {
  const folder = process.env.PROTOCOL_RECORDINGS ?? "";
  const { testPath = "" } = expect.getState();
  const file = path.relative(process.cwd(), testPath).replaceAll(path.sep, "/");
  const methods = Object.entries(seen).map(([kind, set]) => [kind, [...set].sort()]);
  const recording = { file, touched: Object.fromEntries(methods) as object };
  mkdirSync(folder, { recursive: true });
  const name = `${file.replaceAll("/", "__")}.json`;
  writeFileSync(path.join(folder, name), `${JSON.stringify(recording, undefined, 2)}\n`);
});
