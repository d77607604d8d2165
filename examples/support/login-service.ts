import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { LoopbackConfigOverrides } from "codex-app-server-sdk/testing";

/** The login service, played on the loopback. */
export interface LoginService extends AsyncDisposable {
  /** Leads the server here instead of to the real service. */
  readonly overrides: LoopbackConfigOverrides;
  /** Plays the person in a browser, who opens the page, types in the code, and agrees. */
  typeIn(code: string): void;
}

/** Just enough of it for a login with a code. A real application needs nothing like this. */
export async function startLoginService(): Promise<LoginService> {
  const grant = { authorization_code: "1", code_challenge: "2", code_verifier: "3" };
  const waiting = new Set<ServerResponse>();
  let agreed = false;
  const answers: Record<string, () => unknown> = {
    "/api/accounts/deviceauth/usercode": () => {
      return { device_auth_id: "device-1", user_code: "ABCD-1234", interval: "1" };
    },
    "/oauth/token": () => {
      const token = makeToken();
      return { id_token: token, access_token: token, refresh_token: "refresh-1" };
    },
    "/backend-api/wham/accounts/check": () => {
      return { accounts: [workspace], account_ordering: [workspace.id] };
    },
  };
  const server = createServer((request, response) => {
    request.resume();
    const path = request.url ?? "";
    // The server asks whether the code was typed in, and can wait for the answer.
    const asksForCode = path === "/api/accounts/deviceauth/token";
    if (asksForCode && !agreed) waiting.add(response);
    else send(response, asksForCode ? grant : answers[path]?.());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    overrides: {
      env: {
        CODEX_APP_SERVER_LOGIN_ISSUER: url,
        CODEX_REVOKE_TOKEN_URL_OVERRIDE: `${url}/revoke`,
      },
      config: {
        chatgpt_base_url: `${url}/backend-api`,
        model_providers: { mock: { requires_openai_auth: true } },
      },
    },
    typeIn(code) {
      if (code !== "ABCD-1234") throw new Error("the page knows no such code");
      agreed = true;
      for (const response of waiting) send(response, grant);
      waiting.clear();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const workspace = {
  id: "workspace-1",
  name: "Acme",
  plan_type: "pro",
  structure: "workspace",
  workspace_backend_origin: "https://127.0.0.1:1",
  account_routing_override: "NO_CONSTRAINT",
};

function makeToken(): string {
  const claims = {
    email: "someone@example.com",
    exp: Math.floor(Date.now() / 1_000) + 3_600,
    "https://api.openai.com/auth": {
      chatgpt_account_id: workspace.id,
      chatgpt_plan_type: "pro",
      chatgpt_user_id: "user-1",
    },
  };
  const parts = [{ alg: "none", typ: "JWT" }, claims, "signature"];
  return parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
}

function send(response: ServerResponse, body: unknown): void {
  response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify(body ?? {}));
}
