import type { AsyncIteration } from "../../async/async-iteration.js";
import { checkOptions } from "../../errors/check-options.js";
import type {
  McpServerStatus,
  McpServerStatusUpdatedNotification,
} from "../../../generated/types.js";
import { poll } from "../../async/poll.js";
import { checkText, checkTexts } from "../../errors/check-values.js";
import { Pages } from "../../options/pages.js";
import type { ParamsOf, ResultOf } from "../../protocol.js";
import { requestKeys, type RequestOptions } from "../../jsonrpc/connection.js";
import { callLoaded } from "../../session/call-loaded.js";
import { connectedFor, untilConnected } from "../../session/until-connected.js";
import { followKeys, followNotifications, type FollowOptions } from "./follow-notifications.js";
import { startMcpLogin, type McpLogin, type McpLoginOptions } from "./mcp-login.js";
import { checkParams, Resource } from "../resource.js";

/** The MCP servers to list, as in `mcpServerStatus/list`. */
export type ListMcpServersOptions = Omit<ParamsOf<"mcpServerStatus/list">, "cursor">;
/** The tool to call, as in `mcpServer/tool/call`. */
export type McpToolCall = ParamsOf<"mcpServer/tool/call">;
/** The result of a tool. `isError` is true when the tool itself reports a failure. */
export type McpToolResult = ResultOf<"mcpServer/tool/call">;
/** The resource to read, as in `mcpServer/resource/read`. */
export type McpResourceRead = ParamsOf<"mcpServer/resource/read">;
/** The content of a resource: pieces with a `text`, or with a base64 `blob`. */
export type McpResourceContents = ResultOf<"mcpServer/resource/read">;
/** A step in the start of one MCP server for one thread: `"starting"`, then how it went. */
export type McpStartup = McpServerStatusUpdatedNotification;

/** Between two looks at servers that start (ms). */
const pauseMs = 50;

/** The MCP servers of the configuration. A thread that a call names is loaded first if need be. */
export class Mcp extends Resource {
  /**
   * Lists the configured servers with their tools, resources and login state (`mcpServerStatus/list`):
   * those of a thread, over its own connections, or all that a new thread would have, to which the server
   * then connects just to answer. `runtimeStatus` may be a moment behind: see `started()`.
   */
  servers(options: ListMcpServersOptions = {}): Pages<McpServerStatus> {
    checkParams("mcp.servers()", "mcpServerStatus/list", options);
    return this.pages("mcpServerStatus/list", options, { loaded: true });
  }

  /**
   * Waits until every MCP server of a thread has started or failed, and tells which: `runtimeStatus`
   * is `"connected"` or, say, `"failed"`, and `toolsError` says why (`mcpServerStatus/list`). How long a
   * server may take is in its configuration.
   *
   * @throws ThreadNotFoundError, TransportClosedError, or `signal.reason`.
   */
  async started(threadId: string, options: FollowOptions = {}): Promise<McpServerStatus[]> {
    checkText("threadId", threadId);
    checkOptions("mcp.started()", options, followKeys);
    const { signal } = options;
    const session = await untilConnected(this.getSession, signal);
    const look = async () => {
      const servers = await new Pages((cursor) =>
        callLoaded(
          session,
          "mcpServerStatus/list",
          { threadId, detail: "toolsAndAuthOnly", cursor },
          // The answer waits for the servers; each has a time limit of its own.
          { signal, timeoutMs: Infinity },
        ),
      ).all();
      // It may yet tell how a server was when it was asked.
      const isStarting = servers.some(({ runtimeStatus }) => runtimeStatus === "starting");
      return isStarting ? undefined : servers;
    };
    // Between two looks, the server would seem to be idle.
    return (await session.activity.during(() => poll(look, { pauseMs, signal }))) ?? [];
  }

  /**
   * Iterates the starts of the threads' MCP servers, from now on (`mcpServer/startupStatus/updated`). A
   * server that fails does not fail its thread: the model never sees its tools, and only this iteration
   * says so.
   *
   * The iteration ends when the client is closed, and throws when the connection is lost.
   */
  startups(options: FollowOptions = {}): AsyncIteration<McpStartup> {
    checkOptions("mcp.startups()", options, followKeys);
    return followNotifications(
      this.getSession,
      "mcpServer/startupStatus/updated",
      (startup) => startup,
      options,
    );
  }

  /**
   * Calls a tool in the name of a thread (`mcpServer/tool/call`), without the model and without an
   * approval: it is your call. The handler of elicitations answers questions of the MCP server. Give
   * `timeoutMs` to a tool that takes longer than other requests may.
   *
   * @throws McpServerError when the MCP server refuses; ThreadNotFoundError; InternalRpcError when there
   * is no such MCP server. A tool that fails on its own resolves, with `isError`.
   */
  async callTool(call: McpToolCall, options: RequestOptions = {}): Promise<McpToolResult> {
    checkParams("mcp.callTool()", "mcpServer/tool/call", call);
    checkOptions("mcp.callTool()", options, requestKeys);
    const { threadId, server, tool } = call;
    checkTexts({ threadId, server, tool });
    return this.callLoaded("mcpServer/tool/call", call, options);
  }

  /**
   * Reads a resource of an MCP server (`mcpServer/resource/read`): over the connection of a thread, or
   * over one made for this call.
   *
   * @throws McpServerError when the MCP server refuses, and what `callTool` throws.
   */
  async readResource(
    read: McpResourceRead,
    options: RequestOptions = {},
  ): Promise<McpResourceContents> {
    checkParams("mcp.readResource()", "mcpServer/resource/read", read);
    checkOptions("mcp.readResource()", options, requestKeys);
    checkTexts({ server: read.server, uri: read.uri });
    return this.callLoaded("mcpServer/resource/read", read, options);
  }

  /**
   * Starts a login to an MCP server that wants OAuth (`mcpServer/oauth/login`), and follows it to its
   * end: send the user to `authorizationUrl`, and `wait()`.
   *
   * @throws InvalidRequestError for a server that is not configured, or not reached over HTTP.
   */
  async login(
    name: string,
    options: McpLoginOptions = {},
    request: RequestOptions = {},
  ): Promise<McpLogin> {
    checkText("name", name);
    checkParams("mcp.login()", "mcpServer/oauth/login", options);
    checkOptions("mcp.login()", request, requestKeys);
    const [session, left] = await connectedFor(this.getSession, "mcpServer/oauth/login", request);
    return startMcpLogin(session, { ...options, name }, left);
  }

  /**
   * Applies changes of the configured servers to loaded threads (`config/mcpServer/reload`). The servers
   * start anew in the background: see `started()` and `startups()`.
   */
  async reload(): Promise<void> {
    await this.call("config/mcpServer/reload", undefined);
  }
}
