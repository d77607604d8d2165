import type { RequestOptions } from "../jsonrpc/connection.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../protocol.js";

/** Sends a request of the library's own: `Session.call`, or while a session is restored, its new connection. */
export type Call = <M extends ClientRequestMethod>(
  method: M,
  params: ParamsOf<M>,
  options?: RequestOptions,
) => Promise<ResultOf<M>>;
