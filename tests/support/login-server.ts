import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { LoopbackConfigOverrides } from "../../lib/testing/index.js";

interface Asked {
  readonly path: string;
  readonly body: string;
  readonly authorization: string | undefined;
}

type Answer = (asked: Asked) => { status?: number; body: unknown };

/**
 * The login service and the ChatGPT backend on the loopback, as far as the real server needs them
 * for a whole login: `approve()` is the person who types in the code.
 */
export class LoginServer implements AsyncDisposable {
  readonly requests: Asked[] = [];
  /** Ids of the account's workspaces; the first one is the one logged in to. */
  workspaces = ["workspace-1"];
  readonly #server: Server;
  readonly #answers = new Map<string, Answer>();
  #approved = false;
  #polls: ServerResponse[] = [];
  #tokens = 0;

  static async open(): Promise<LoginServer> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new LoginServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => void this.#receive(request, response));
    this.answer("/api/accounts/deviceauth/usercode", () => ({
      body: { device_auth_id: "device-1", user_code: "ABCD-1234", interval: "1" },
    }));
    this.answer("/oauth/token", () => ({ body: this.tokens() }));
    this.answer("/refresh", () => ({ body: this.tokens() }));
    this.answer("/backend-api/wham/accounts/check", () => ({
      body: {
        accounts: this.workspaces.map((id) => ({
          id,
          name: `The ${id}`,
          plan_type: "pro",
          structure: "workspace",
          // The server insists on TLS here. Nothing is ever sent to this address.
          workspace_backend_origin: "https://127.0.0.1:1",
          account_routing_override: "NO_CONSTRAINT",
        })),
        account_ordering: this.workspaces,
        default_account_id: this.workspaces[0],
      },
    }));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** For `RealStage.open()`: a model provider that insists on a login, and this as the place to log in. */
  overrides(): LoopbackConfigOverrides {
    return {
      env: {
        CODEX_APP_SERVER_LOGIN_ISSUER: this.url,
        CODEX_REFRESH_TOKEN_URL_OVERRIDE: `${this.url}/refresh`,
        CODEX_REVOKE_TOKEN_URL_OVERRIDE: `${this.url}/revoke`,
      },
      config: {
        chatgpt_base_url: `${this.url}/backend-api`,
        model_providers: { mock: { requires_openai_auth: true } },
      },
    };
  }

  /** The same for a model provider with a gateway of its own. */
  gatewayOverrides(): LoopbackConfigOverrides {
    const gateway = {
      authorization_url: `${this.url}/authorize`,
      token_url: `${this.url}/gateway/token`,
      device_authorization_url: `${this.url}/gateway/device`,
      client_id: "client-1",
      credentials_store: "file",
    };
    return { config: { model_providers: { mock: { gateway_oauth: gateway } } } };
  }

  answer(path: string, answer: Answer): void {
    this.#answers.set(path, answer);
  }

  /** The code has been typed in. */
  approve(): void {
    this.#approved = true;
    for (const response of this.#polls.splice(0)) send(response, 200, deviceGrant);
  }

  /** New tokens for the first workspace, or for another one; no two are the same. */
  tokens(workspace = this.workspaces[0]): Record<"id_token" | "access_token", string> & {
    refresh_token: string;
  } {
    this.#tokens += 1;
    const claims = {
      email: "someone@example.com",
      exp: Math.floor(Date.now() / 1_000) + 3_600,
      jti: `token-${this.#tokens}`,
      "https://api.openai.com/auth": {
        chatgpt_account_id: workspace,
        chatgpt_plan_type: "pro",
        chatgpt_user_id: "user-1",
      },
    };
    const token = [{ alg: "none", typ: "JWT" }, claims, "signature"].map(encode).join(".");
    return { id_token: token, access_token: token, refresh_token: `refresh-${this.#tokens}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk as string;
    const path = request.url ?? "";
    const asked = { path, body, authorization: request.headers.authorization };
    this.requests.push(asked);
    if (path === "/api/accounts/deviceauth/token") {
      if (this.#approved) send(response, 200, deviceGrant);
      else this.#polls.push(response);
      return;
    }
    const answer = this.#answers.get(path);
    if (!answer) {
      send(response, 404, {});
      return;
    }
    const { status = 200, body: answered } = answer(asked);
    send(response, status, answered);
  }
}

/** What the browser does when the login service sends it back to the server. */
export async function comeBack(
  authUrl: string,
  answer: Readonly<Record<string, string>>,
): Promise<number> {
  const asked = new URL(authUrl).searchParams;
  const target = new URL(asked.get("redirect_uri") ?? "");
  const state = asked.get("state") ?? "";
  for (const [name, value] of Object.entries({ state, ...answer })) {
    target.searchParams.set(name, value);
  }
  // A connection that is kept would be one to a server that ends with the login.
  const headers = { connection: "close" };
  const response = await fetch(target, { redirect: "manual", headers });
  await response.text();
  return response.status;
}

/**
 * Browser logins all come back to the same port of the machine, and a second one ends the first,
 * whoever has started it. This waits until no other test run on the machine is at it.
 */
export async function claimBrowserLogins(): Promise<AsyncDisposable> {
  for (;;) {
    const claim = createServer();
    const outcome = await new Promise((resolve) => {
      claim.once("listening", resolve.bind(undefined, "mine"));
      claim.once("error", resolve);
      claim.listen(14_557, "127.0.0.1");
    });
    if (outcome === "mine") {
      return {
        [Symbol.asyncDispose]: async () => {
          claim.close();
          await once(claim, "close");
        },
      };
    }
    await pause(100);
  }
}

const deviceGrant = {
  authorization_code: "code-1",
  code_challenge: "challenge",
  code_verifier: "verifier",
};

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
