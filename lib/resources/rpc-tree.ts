import { rpcMethods, type Rpc } from "../../generated/rpc.js";
import type { ClientRequestMethod, ParamsOf } from "../protocol.js";
import type { RequestOptions } from "../jsonrpc/connection.js";

/** Sends one request and gives its result. */
type Send = (
  method: ClientRequestMethod,
  params: ParamsOf<ClientRequestMethod>,
  options?: RequestOptions,
) => Promise<unknown>;

/**
 * Every method of the protocol as a function, at the place that its name says: `thread/goal/set` is
 * `tree.thread.goal.set`. Each calls `send`.
 */
export function createRpcTree(send: Send): Rpc {
  const root: object = buildTree(rpcMethods, send);
  return root as Rpc;
}

/** The tree of some methods. `methods` are in the order of their names. */
export function buildTree(methods: readonly string[], send: Send): object {
  const root = emptyGroup();
  // In the order of the names, a method that is a group too (`command/exec`) comes first.
  for (const method of methods as readonly ClientRequestMethod[]) {
    const path = method.split("/");
    const name = path.pop() ?? "";
    const call = (params: ParamsOf<ClientRequestMethod>, options?: RequestOptions) =>
      send(method, params, options);
    // So that the tree, printed, and stack traces tell the methods.
    Object.defineProperty(call, "name", { value: method });
    put(path.reduce(groupIn, root), name, call);
  }
  return root;
}

/** The group of this name in another, which may be a function: its own `name` is text, and `length` a number. */
function groupIn(group: object, name: string): object {
  const known: unknown = Object.getOwnPropertyDescriptor(group, name)?.value;
  if (typeof known === "function" || (typeof known === "object" && known !== null)) return known;
  return put(group, name, emptyGroup());
}

/** By definition, not assignment: the `name` of a function is not writable. */
function put(group: object, name: string, value: object): object {
  Object.defineProperty(group, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return value;
}

/** Without a prototype, so that a name that is no method is undefined, `constructor` included. */
function emptyGroup(): object {
  return Object.create(null) as object;
}
