import { checkSignal } from "../errors/check-values.js";
import { ThreadNotFoundError } from "../errors/rpc-errors.js";
import type { Session } from "./session.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../protocol.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { beforeRequest } from "../jsonrpc/within-deadline.js";

/**
 * Calls a method that the server offers only for a loaded thread, loading it first; without a
 * thread, just calls it. The server may have unloaded the thread without a word, as it does when it
 * refuses to delete it: then once more.
 */
export async function callLoaded<M extends ClientRequestMethod>(
  session: Session,
  method: M,
  params: ParamsOf<M> & { readonly threadId?: string | null | undefined },
  options: RequestOptions = {},
): Promise<ResultOf<M>> {
  const { threadId } = params;
  checkSignal(options.signal);
  if (typeof threadId !== "string") return session.call(method, params, options);
  const loading = { prepare: () => session.load(threadId), since: "its thread was not loaded yet" };
  const [, left] = await beforeRequest(method, options, loading);
  try {
    return await session.call(method, params, left);
  } catch (error) {
    if (!(error instanceof ThreadNotFoundError)) throw error;
    session.unload(threadId);
    const [, rest] = await beforeRequest(method, left, loading);
    return session.call(method, params, rest);
  }
}
