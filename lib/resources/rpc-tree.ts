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
  const groups = new Map<string, object>();
  const groupOf = (path: readonly string[]): object => {
    const [name, key] = [path.at(-1), path.join("/")];
    if (name === undefined) return root;
    const known = groups.get(key);
    if (known) return known;
    return put(groupOf(path.slice(0, -1)), name, emptyGroup(), key);
  };
  /** By definition, not assignment: a group may be a function, whose own `name` is not writable. */
  const put = (group: object, name: string, value: object, key: string): object => {
    Object.defineProperty(group, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    groups.set(key, value);
    return value;
  };
  // In the order of the names, a method that is a group too (`command/exec`) comes first.
  for (const method of methods as readonly ClientRequestMethod[]) {
    const path = method.split("/");
    const name = path.pop() ?? "";
    const call = named(method, (params, options) => send(method, params, options));
    put(groupOf(path), name, call, method);
  }
  return root;
}

/** Without a prototype, so that a name that is no method is undefined, `constructor` included. */
function emptyGroup(): object {
  return Object.create(null) as object;
}

/** So that the tree, printed, and stack traces tell the methods. */
function named(
  method: ClientRequestMethod,
  call: (params: ParamsOf<ClientRequestMethod>, options?: RequestOptions) => Promise<unknown>,
): object {
  return Object.defineProperty(call, "name", { value: method });
}
