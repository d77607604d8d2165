import { ThreadNotFoundError } from "../errors/rpc-errors.js";
import type { Host } from "../host.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../protocol.js";

/**
 * Calls a method that the server offers only for a loaded thread, loading it first. The server may
 * have unloaded it without a word, as it does when it refuses to delete it: then once more.
 */
export async function callLoaded<M extends ClientRequestMethod>(
  host: Host,
  threadId: string,
  method: M,
  params: ParamsOf<M>,
): Promise<ResultOf<M>> {
  await host.load(threadId);
  try {
    return await host.call(method, params);
  } catch (error) {
    if (!(error instanceof ThreadNotFoundError)) throw error;
    host.unload(threadId);
    await host.load(threadId);
    return host.call(method, params);
  }
}
