import { checkOptions } from "../../errors/check-options.js";
import type { McpServerOauthLoginCompletedNotification as LoginEnd } from "../../../generated/types.js";
import { LoginProcess, loginWaitKeys, type LoginWaitOptions } from "../account/login-process.js";
import type { Session } from "../../session/session.js";
import type { ParamsOf } from "../../protocol.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";
import { callLoaded } from "../../session/call-loaded.js";

/**
 * How to log in, as in `mcpServer/oauth/login`. `timeoutSecs`: how long the server waits for the browser
 * to come back (seconds; default: the server's own limit).
 */
export type McpLoginOptions = Omit<ParamsOf<"mcpServer/oauth/login">, "name">;

/**
 * A login to an MCP server that is under way. Send the user to `authorizationUrl`; the browser comes
 * back to a port that the app-server has opened on `localhost`. The protocol has no way to cancel it:
 * it goes on until it succeeds or fails, or the server has waited long enough.
 */
export class McpLogin {
  /** The MCP server's name in the configuration. */
  readonly server: string;
  /** The page on which the user allows the access. */
  readonly authorizationUrl: string;
  readonly #process: LoginProcess<LoginEnd>;

  /** @internal Use `codex.mcp.login()`. */
  constructor(server: string, authorizationUrl: string, process: LoginProcess<LoginEnd>) {
    this.server = server;
    this.authorizationUrl = authorizationUrl;
    this.#process = process;
  }

  /**
   * Waits for the login to succeed; loaded threads then start the MCP server again by themselves. It may
   * be called again, and at any time. Giving up the wait, by `signal` or after `timeoutMs` (ms, default 20
   * minutes), leaves the login as it is.
   *
   * @throws LoginFailedError, LoginTimeoutError, TransportClosedError, or `signal.reason`.
   */
  async wait(options: LoginWaitOptions = {}): Promise<void> {
    checkOptions("wait()", options, loginWaitKeys);
    return this.#process.wait(options);
  }
}

/** Starts a login and follows it to its end, whether or not somebody waits for it. */
export async function startMcpLogin(
  session: Session,
  params: ParamsOf<"mcpServer/oauth/login">,
  options?: RequestOptions,
): Promise<McpLogin> {
  const { name } = params;
  const process = new LoginProcess<LoginEnd>(session);
  const stopListening = session.on("mcpServer/oauthLogin/completed", ({ params: end }) => {
    process.told(end);
  });
  process.holds(stopListening);
  try {
    const answer = await callLoaded(session, "mcpServer/oauth/login", params, options);
    const { authorizationUrl, loginId = null } = answer;
    // A server need not name the attempt; then the name of the MCP server must do.
    process.follow(loginId, (end) => {
      const bothNamed = typeof end.loginId === "string" && typeof loginId === "string";
      return bothNamed ? end.loginId === loginId : end.name === name;
    });
    return new McpLogin(name, authorizationUrl, process);
  } catch (error) {
    process.stop();
    throw error;
  }
}
