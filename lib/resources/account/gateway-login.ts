import type { GatewayOAuthChangedNotification } from "../../../generated/types.js";
import { onAbort } from "../../async/abort.js";
import { Deferred } from "../../async/deferred.js";
import { copyError } from "../../errors/connection-errors.js";
import { LoginFailedError } from "../../errors/login-errors.js";
import { JsonRpcError } from "../../errors/rpc-errors.js";
import type { Session } from "../../session/session.js";
import { LoginAttempt, type LoginProcess } from "./login-attempt.js";
import { reasonIn } from "./login-completion.js";
import { LoginOutcome } from "./login-outcome.js";

/** The gateway to log in to, and how, as in `account/gatewayOAuth/login`. */
export interface GatewayLoginOptions {
  /** Id of the model provider. Default: the one in use. */
  modelProvider?: string | null | undefined;
  /** Asks for a code to type in instead of a browser on the server's machine (default false). */
  deviceAuth?: boolean | undefined;
}

/** The pages that somebody has to open. */
interface GatewayPrompt {
  readonly loginId?: string | null;
  readonly authUrl?: string | null;
  readonly verificationUrl?: string;
  readonly userCode?: string;
}

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
  constructor(process: LoginProcess, prompt: GatewayPrompt) {
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
  const process = new GatewayProcess(session, options.modelProvider);
  void process.run(options);
  try {
    return new GatewayLogin(process, await process.prompt.promise);
  } catch (error) {
    process.stop();
    throw error;
  }
}

class GatewayProcess implements LoginProcess {
  loginId: string | null = null;
  cause: "cancelled" | "replaced" | undefined;
  readonly outcome = new LoginOutcome(() => {
    this.stop();
  });
  readonly prompt = new Deferred<GatewayPrompt>();
  readonly #session: Session;
  readonly #provider: string | undefined;
  readonly #stops: (() => void)[] = [];
  /** Ends of logins with a code that were told before it was known which one is ours. */
  #early: GatewayOAuthChangedNotification[] = [];

  constructor(session: Session, provider: string | null | undefined) {
    this.#session = session;
    this.#provider = provider ?? undefined;
    const stopListening = session.on("account/gatewayOAuth/changed", ({ params }) => {
      this.#receive(params);
    });
    this.#stops.push(stopListening);
    const unlink = onAbort(session.connectionSignal, (reason) => {
      this.outcome.fail(() => copyError(reason, "the login"));
    });
    this.#stops.push(unlink);
  }

  async run(options: GatewayLoginOptions): Promise<void> {
    try {
      const { prompt } = await this.#session.call("account/gatewayOAuth/login", options, {
        timeoutMs: requestMs,
      });
      if (prompt) this.#follow(prompt);
      else this.outcome.succeed();
      this.prompt.resolve(prompt ?? {});
    } catch (error) {
      // A refusal is how the server tells of a login in a browser that came to nothing.
      this.prompt.reject(error);
      this.outcome.fail(() => this.#failure(error));
    }
  }

  sendCancel(): Promise<unknown> {
    return this.#session.call("account/gatewayOAuth/cancel", undefined);
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #receive(change: GatewayOAuthChangedNotification): void {
    const { authUrl, loginId, providerId } = change;
    if (this.#provider !== undefined && providerId !== this.#provider) return;
    // Only the connection that has started a login in a browser is told the URL.
    if (authUrl !== null) this.prompt.resolve({ authUrl });
    if (loginId === null) return;
    if (this.loginId === null) this.#early.push(change);
    else this.#end(change);
  }

  #follow({ loginId }: { loginId: string }): void {
    this.loginId = loginId;
    for (const change of this.#early.splice(0)) this.#end(change);
  }

  #end({ loginId, status, error }: GatewayOAuthChangedNotification): void {
    if (loginId !== this.loginId) return;
    if (status === "succeeded") this.outcome.succeed();
    else if (status === "failed") {
      const reason = this.cause ?? reasonIn(error);
      this.outcome.fail(() => new LoginFailedError(reason, { loginId, serverMessage: error }));
    }
  }

  #failure(error: unknown): unknown {
    if (!(error instanceof JsonRpcError)) return copyError(error, "the login");
    const { serverMessage } = error;
    return new LoginFailedError(this.cause ?? reasonIn(serverMessage), { serverMessage });
  }
}
