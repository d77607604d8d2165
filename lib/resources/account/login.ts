import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import type { LoginAccountParams, LoginAppBrand } from "../../../generated/types.js";
import { ProtocolError } from "../../errors/connection-errors.js";
import { checkText, checkTexts } from "../../errors/check-values.js";
import type { GetSession } from "../../session/session.js";
import type { AllowUndefined, ParamsOf, ResultOf } from "../../protocol.js";
import { startGatewayLogin, type GatewayLogin, type GatewayLoginOptions } from "./gateway-login.js";
import { BrowserLogin, DeviceCodeLogin } from "./login-attempt.js";
import { loginWaitKeys, type LoginWaitOptions } from "./login-process.js";
import { LoginStarts } from "./login-starts.js";
import { checkParams, Resource } from "../resource.js";

/** The params of a login of one `type`, as in `account/login/start`. */
export type LoginParams<T extends LoginAccountParams["type"]> = AllowUndefined<
  Omit<Extract<LoginAccountParams, { type: T }>, "type">
>;

/** Options for the browser's pages during and after the login, as in `account/login/start`. */
export interface BrowserLoginOptions {
  /** Skips the pages that only explain. */
  codexStreamlinedLogin?: boolean | undefined;
  /** Ends on a page of the login service instead of one that the server itself shows. */
  useHostedLoginSuccessPage?: boolean | undefined;
  /** The name on the pages. */
  appBrand?: LoginAppBrand | null | undefined;
}

const browserLoginKeys: KeysOf<BrowserLoginOptions> = {
  codexStreamlinedLogin: true,
  useHostedLoginSuccessPage: true,
  appBrand: true,
};

/** Tokens of a ChatGPT login that your application holds and renews itself. */
export type AuthTokens = LoginParams<"chatgptAuthTokens">;
/** A Bedrock API key, and the AWS region to use it in. */
export type BedrockApiKey = LoginParams<"amazonBedrock">;
/** AWS access keys for Bedrock, and the region to use them in. */
export type BedrockAccessKeys = LoginParams<"amazonBedrockAccessKeys">;

/**
 * The ways to log in (`account/login/start`). The server has one login, for all its threads and clients,
 * and stores it in its `CODEX_HOME`; it keeps tokens that you hold yourself in memory only. Starting a
 * login ends one that is still under way, whose `wait()` then rejects.
 *
 * Secrets go to the server and nowhere else: no error message and no log line of this library has one.
 */
export class Login extends Resource {
  readonly #starts: LoginStarts;

  /** @internal */
  constructor(getSession: GetSession) {
    super(getSession);
    this.#starts = new LoginStarts(getSession);
  }

  /**
   * Logs in with an API key of the OpenAI platform. Resolves when the server has stored it, within
   * `timeoutMs` (default 60 seconds). It does not try the key: a wrong one shows in the first turn.
   *
   * @throws LoginFailedError, LoginTimeoutError, or InvalidArgumentError without a key.
   */
  async apiKey(apiKey: string, options: LoginWaitOptions = {}): Promise<void> {
    checkText("apiKey", apiKey);
    checkOptions("login.apiKey()", options, loginWaitKeys);
    await this.#starts.direct({ type: "apiKey", apiKey }, options);
  }

  /**
   * Starts a ChatGPT login in a browser: send it to `authUrl`, and `wait()`. The browser must run on
   * the machine of the server, because it ends up on a port of the loopback there (1455, or 1457 when
   * that is taken). Another codex of this machine that starts such a login ends this one. Where there
   * is no browser, use `deviceCode()`.
   */
  async browser(options: BrowserLoginOptions = {}): Promise<BrowserLogin> {
    checkOptions("login.browser()", options, browserLoginKeys);
    return this.#starts.attempt(
      (session, request) =>
        session.call("account/login/start", { ...options, type: "chatgpt" }, request),
      (answer, login) => {
        if (answer.type !== "chatgpt") throw otherLogin();
        return new BrowserLogin(login, answer);
      },
    );
  }

  /**
   * Starts a ChatGPT login that somebody finishes in a browser anywhere: show `verificationUrl` and
   * `userCode`, and `wait()`.
   */
  deviceCode(): Promise<DeviceCodeLogin> {
    return this.#starts.attempt(
      (session, request) =>
        session.call("account/login/start", { type: "chatgptDeviceCode" }, request),
      (answer, login) => {
        if (answer.type !== "chatgptDeviceCode") throw otherLogin();
        return new DeviceCodeLogin(login, answer);
      },
    );
  }

  /**
   * Logs in with ChatGPT tokens that your application holds. The server never renews them: give new ones
   * here in good time. It asks for new ones when it was refused with the old ones; answer with the
   * client's option `onAuthTokenRefresh`. As long as this login lasts, the server refuses every other
   * kind; `logout()` ends it. Resolves within `timeoutMs` (ms, default 60,000).
   *
   * @throws LoginFailedError, LoginTimeoutError, or a JsonRpcError for a value that is not a token.
   */
  async tokens(tokens: AuthTokens, options: LoginWaitOptions = {}): Promise<void> {
    const { accessToken, chatgptAccountId } = tokens;
    checkTexts({ accessToken, chatgptAccountId });
    checkOptions("login.tokens()", options, loginWaitKeys);
    await this.#starts.direct({ ...tokens, type: "chatgptAuthTokens" }, options);
  }

  /**
   * Logs in to Amazon Bedrock with an API key, and makes Bedrock the model provider in the server's
   * `config.toml`, for threads that are started from then on. The server refuses when its command line
   * (the client's option `config`) has set the provider.
   *
   * @throws LoginFailedError, LoginTimeoutError, or a JsonRpcError.
   */
  async bedrockApiKey(key: BedrockApiKey, options: LoginWaitOptions = {}): Promise<void> {
    const { apiKey, region } = key;
    checkTexts({ apiKey, region });
    checkOptions("login.bedrockApiKey()", options, loginWaitKeys);
    await this.#starts.direct({ ...key, type: "amazonBedrock" }, options);
  }

  /** Logs in to Amazon Bedrock with AWS access keys; otherwise as `bedrockApiKey` does. */
  async bedrockAccessKeys(keys: BedrockAccessKeys, options: LoginWaitOptions = {}): Promise<void> {
    const { accessKeyId, secretAccessKey, region } = keys;
    checkTexts({ accessKeyId, secretAccessKey, region });
    checkOptions("login.bedrockAccessKeys()", options, loginWaitKeys);
    await this.#starts.direct({ ...keys, type: "amazonBedrockAccessKeys" }, options);
  }

  /**
   * Starts the login of a model provider that has an OAuth gateway of its own, `gateway_oauth` in its
   * configuration (`account/gatewayOAuth/login`). The server has one such login at a time. It stands
   * beside the account: `logout()` leaves it alone. Log in before the first turn, which would otherwise
   * wait for a browser on the machine of the server.
   *
   * @throws InvalidRequestError when the provider has no such gateway.
   */
  async gateway(options: GatewayLoginOptions = {}): Promise<GatewayLogin> {
    checkParams("login.gateway()", "account/gatewayOAuth/login", options);
    return startGatewayLogin(await this.getSession(), options);
  }

  /** Reads whether a model provider needs a gateway login, and has one (`account/gatewayOAuth/read`). */
  async gatewayStatus(
    options: Pick<GatewayLoginOptions, "modelProvider"> = {},
  ): Promise<ResultOf<"account/gatewayOAuth/read">> {
    checkParams("login.gatewayStatus()", "account/gatewayOAuth/read", options);
    return this.call("account/gatewayOAuth/read", options);
  }

  /**
   * Lists the ChatGPT logins that the server has kept, with their workspaces (`accountSession/list`).
   * Experimental in the protocol.
   */
  async sessions(
    options: ParamsOf<"accountSession/list"> = {},
  ): Promise<ResultOf<"accountSession/list">> {
    checkParams("login.sessions()", "accountSession/list", options);
    return this.call("accountSession/list", options);
  }

  /**
   * Changes the workspace (`accountSession/switch`). A workspace that wants a login of its own gives
   * a `BrowserLogin` to finish, if `allowBrowserLogin` is true, and is refused otherwise. Experimental
   * in the protocol.
   */
  switchSession(
    params: ParamsOf<"accountSession/switch">,
  ): Promise<ResultOf<"accountSession/list"> | BrowserLogin> {
    return this.#starts.attempt(
      (session, request) => session.call("accountSession/switch", params, request),
      (answer, login) => ("authUrl" in answer ? new BrowserLogin(login, answer) : answer),
    );
  }
}

function otherLogin(): ProtocolError {
  return new ProtocolError(
    "The server answered account/login/start with another kind of login. Check that it is a codex app-server.",
  );
}
