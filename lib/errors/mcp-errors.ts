import { JsonRpcError, type RpcFailure } from "./rpc-errors.js";

/**
 * An MCP server, not the app-server, answered a tool call or a read with an error. `rpcCode`,
 * `serverMessage` and `data` are that server's own. The codes `-32600` and `-32603` are used by both;
 * with those, the error is an InvalidRequestError or an InternalRpcError whoever it came from.
 */
export class McpServerError extends JsonRpcError {
  declare readonly code: "MCP_SERVER_ERROR";

  constructor(failure: RpcFailure) {
    super(failure, "MCP_SERVER_ERROR");
  }
}
