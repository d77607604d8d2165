import { rpcMethods, type Rpc } from "../generated/rpc.js";
import type { ClientRequestMethod, ParamsOf } from "./protocol.js";
import type { RequestOptions } from "./rpc/connection.js";

/** Sends one request and gives its result. */
type Send = (
  method: ClientRequestMethod,
  params: ParamsOf<ClientRequestMethod>,
  options?: RequestOptions,
) => Promise<unknown>;

type Group = Record<string, object>;

/**
 * Every method of the protocol as a function, at the place that its name says: `thread/goal/set` is
 * `tree.thread.goal.set`. Each calls `send`.
 */
export function createRpcTree(send: Send): Rpc {
  const root: object = buildTree(send);
  return root as Rpc;
}

function buildTree(send: Send): Group {
  const root = emptyGroup();
  // In the order of the names, a method that is a group too (`command/exec`) comes first.
  for (const method of rpcMethods) {
    const path = method.split("/");
    const name = path.pop() ?? "";
    let group = root;
    for (const part of path) group = (group[part] ??= emptyGroup()) as Group;
    group[name] = named(method, (params, options) => send(method, params, options));
  }
  return root;
}

/** Without a prototype, so that a name that is no method is undefined, `constructor` included. */
function emptyGroup(): Group {
  return Object.create(null) as Group;
}

/** So that the tree, printed, and stack traces tell the methods. */
function named(
  method: ClientRequestMethod,
  call: (params: ParamsOf<ClientRequestMethod>, options?: RequestOptions) => Promise<unknown>,
): object {
  return Object.defineProperty(call, "name", { value: method });
}
