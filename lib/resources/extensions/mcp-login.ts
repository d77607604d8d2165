import { checkOptions } from "../../errors/check-options.js";
import type {
  McpServerOauthLoginCompletedNotification as LoginEnd,
  McpServerOauthLoginParams,
} from "../../../generated/types.js";
import { reasonIn } from "../account/login-completion.js";
import { LoginOutcome, loginWaitKeys, type LoginWaitOptions } from "../account/login-outcome.js";
import { onAbort } from "../../async/abort.js";
import { copyError } from "../../errors/connection-errors.js";
import { LoginFailedError } from "../../errors/login-errors.js";
import type { Session } from "../../session/session.js";
import type { AllowUndefined } from "../../protocol.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";
import { callLoaded } from "../../session/call-loaded.js";

/**
 * How to log in, as in `mcpServer/oauth/login`. `timeoutSecs`: how long the server waits for the browser
 * to come back (seconds; default: the server's own limit).
 */
export type McpLoginOptions = AllowUndefined<Omit<McpServerOauthLoginParams, "name">>;

/** Longer than a server lets a login run, unless it was told to. */
const waitMs = 20 * 60_000;

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
  readonly #outcome: LoginOutcome;

  /** @internal Use `codex.mcp.login()`. */
  constructor(server: string, authorizationUrl: string, outcome: LoginOutcome) {
    this.server = server;
    this.authorizationUrl = authorizationUrl;
    this.#outcome = outcome;
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
    const { signal, timeoutMs = waitMs } = options;
    return this.#outcome.wait(signal, timeoutMs);
  }
}

/** Starts a login and follows it to its end, whether or not somebody waits for it. */
export async function startMcpLogin(
  session: Session,
  params: AllowUndefined<McpServerOauthLoginParams>,
  options?: RequestOptions,
): Promise<McpLogin> {
  const stops: (() => void)[] = [];
  const stop = (): void => {
    for (const each of stops.splice(0)) each();
  };
  const outcome = new LoginOutcome(stop);
  // The end may be told before the answer that names the login.
  const early: LoginEnd[] = [];
  let receive = (end: LoginEnd): void => void early.push(end);
  stops.push(
    session.on("mcpServer/oauthLogin/completed", ({ params: end }) => {
      receive(end);
    }),
    onAbort(session.connectionSignal, (reason) => {
      outcome.fail(() => copyError(reason, "the login"));
    }),
  );

  try {
    const { authorizationUrl, loginId } = await callLoaded(
      session,
      "mcpServer/oauth/login",
      params,
      options,
    );
    receive = (end) => {
      if (isEndOf(end, params.name, loginId)) settle(outcome, end);
    };
    early.forEach(receive);
    return new McpLogin(params.name, authorizationUrl, outcome);
  } catch (error) {
    stop();
    throw error;
  }
}

/** A server need not name the attempt; then the name of the MCP server must do. */
function isEndOf(end: LoginEnd, server: string, loginId: string | null | undefined): boolean {
  const bothNamed = typeof end.loginId === "string" && typeof loginId === "string";
  return bothNamed ? end.loginId === loginId : end.name === server;
}

function settle(outcome: LoginOutcome, { loginId, success, error }: LoginEnd): void {
  if (success) {
    outcome.succeed();
    return;
  }
  outcome.fail(
    () => new LoginFailedError(reasonIn(error), { loginId: loginId ?? null, serverMessage: error }),
  );
}
