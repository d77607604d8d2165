import { Deferred } from "../../async/deferred.js";
import { copyError } from "../../errors/connection-errors.js";
import { LoginFailedError } from "../../errors/login-errors.js";
import { JsonRpcError } from "../../errors/rpc-errors.js";
import type { Session } from "../../session/session.js";
import type { ResultOf } from "../../protocol.js";
import { LoginAttempt } from "./login-attempt.js";
import { LoginProcess, reasonIn } from "./login-process.js";

/** The gateway to log in to, and how, as in `account/gatewayOAuth/login`. */
export interface GatewayLoginOptions {
  /** Id of the model provider. Default: the one in use. */
  modelProvider?: string | null | undefined;
  /** Asks for a code to type in instead of a browser on the server's machine (default false). */
  deviceAuth?: boolean | undefined;
}

/** The pages that somebody has to open. */
type GatewayPrompt = Partial<NonNullable<ResultOf<"account/gatewayOAuth/login">["prompt"]>> & {
  readonly authUrl?: string | null;
};

/** The login of a model provider with a gateway. The URLs that have to be opened are set. */
export class GatewayLogin extends LoginAttempt {
  /**
   * The URL to open in a browser on the machine of the server; `null` with a code, or when no browser is
   * needed.
   */
  readonly authUrl: string | null;
  /** The page that asks for the code; `null` without one. */
  readonly verificationUrl: string | null;
  /** The code to type in there; `null` without one. */
  readonly userCode: string | null;

  /** @internal */
  constructor(process: GatewayProcess, prompt: GatewayPrompt) {
    super(process);
    this.authUrl = prompt.authUrl ?? null;
    this.verificationUrl = prompt.verificationUrl ?? null;
    this.userCode = prompt.userCode ?? null;
  }
}

/** Longer than any such login takes (ms). */
const requestMs = 20 * 60_000;

/**
 * The request for a login in a browser is answered when the login is over, and the URL comes in a
 * notification meanwhile. The one for a code is answered at once, and the end is a notification.
 */
export async function startGatewayLogin(
  session: Session,
  options: GatewayLoginOptions,
): Promise<GatewayLogin> {
  const process = new GatewayProcess(session, options);
  void process.start(options);
  try {
    return new GatewayLogin(process, await process.prompt.promise);
  } catch (error) {
    process.stop();
    throw error;
  }
}

class GatewayProcess extends LoginProcess {
  readonly prompt = new Deferred<GatewayPrompt>();
  readonly #session: Session;

  constructor(session: Session, { modelProvider }: GatewayLoginOptions) {
    super(session);
    this.#session = session;
    const stopListening = session.on("account/gatewayOAuth/changed", ({ params }) => {
      const { authUrl, loginId, providerId, status, error } = params;
      if (providerId !== (modelProvider ?? providerId)) return;
      // Only the connection that has started a login in a browser is told the URL.
      if (authUrl !== null) this.prompt.resolve({ authUrl });
      const success = status === "succeeded";
      if (loginId !== null && (success || status === "failed")) {
        this.told({ loginId, success, error });
      }
    });
    this.holds(stopListening);
  }

  async start(options: GatewayLoginOptions): Promise<void> {
    try {
      const { prompt } = await this.#session.call("account/gatewayOAuth/login", options, {
        timeoutMs: requestMs,
      });
      if (prompt) this.follow(prompt.loginId);
      else this.succeed();
      this.prompt.resolve(prompt ?? {});
    } catch (error) {
      // A refusal is how the server tells of a login in a browser that came to nothing.
      this.prompt.reject(error);
      this.fail(() => this.#failure(error));
    }
  }

  sendCancel(): Promise<unknown> {
    return this.#session.call("account/gatewayOAuth/cancel", undefined);
  }

  #failure(error: unknown): unknown {
    if (!(error instanceof JsonRpcError)) return copyError(error, "the login");
    const { serverMessage } = error;
    return new LoginFailedError(this.cause ?? reasonIn(serverMessage), { serverMessage });
  }
}
