import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** An MCP server over HTTP that wants a login, and the server that the login goes to. */
export interface OauthMcpServer {
  /** What to configure as the MCP server's `url`. */
  readonly url: string;
  /** What the user does in the browser that is sent to an authorization URL; the page's status. */
  visit(authorizationUrl: string, choice: "allow" | "deny"): Promise<number>;
  close(): Promise<void>;
}

const token = "token-of-the-test";

/** Starts one on the loopback. It knows one client, one code and one token, and one tool, `open`. */
export async function startOauthMcpServer(): Promise<OauthMcpServer> {
  const server = createServer((request, response) => {
    void respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const url = new URL(request.url ?? "/", origin);
    const json = (value: object, status = 200, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(value));
    };
    if (url.pathname.startsWith("/.well-known/oauth-protected-resource")) {
      json({ resource: `${origin}/mcp`, authorization_servers: [origin] });
    } else if (url.pathname === "/.well-known/oauth-authorization-server") {
      json(metadata(origin));
    } else if (url.pathname === "/register") {
      const { redirect_uris } = JSON.parse(body) as { redirect_uris: string[] };
      json({ client_id: "client", redirect_uris }, 201);
    } else if (url.pathname === "/authorize") {
      const back = new URL(url.searchParams.get("redirect_uri") ?? "");
      back.searchParams.set("state", url.searchParams.get("state") ?? "");
      if (url.searchParams.has("deny")) back.searchParams.set("error", "access_denied");
      else back.searchParams.set("code", "code");
      response.writeHead(302, { location: back.href }).end();
    } else if (url.pathname === "/token") {
      json({ access_token: token, token_type: "Bearer", expires_in: 3_600 });
    } else if (url.pathname !== "/mcp" || request.method !== "POST") {
      response.writeHead(405).end();
    } else if (request.headers.authorization !== `Bearer ${token}`) {
      const resource = `${origin}/.well-known/oauth-protected-resource/mcp`;
      json({}, 401, { "www-authenticate": `Bearer resource_metadata="${resource}"` });
    } else {
      const answer = answerTo(JSON.parse(body) as Message);
      if (answer) json(answer);
      else response.writeHead(202).end();
    }
  }

  return {
    url: `${origin}/mcp`,
    visit: async (authorizationUrl, choice) => {
      const url = new URL(authorizationUrl);
      if (choice === "deny") url.searchParams.set("deny", "");
      const response = await fetch(url);
      await response.body?.cancel();
      return response.status;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly protocolVersion?: string };
}

function answerTo({ id, method, params }: Message): object | undefined {
  if (id === undefined) return undefined;
  const tools = [{ name: "open", description: "Opens", inputSchema: { type: "object" } }];
  const content = [{ type: "text", text: "Open." }];
  const { protocolVersion } = params ?? {};
  const serverInfo = { name: "guarded", version: "1.0.0" };
  const results: Record<string, object> = {
    initialize: { protocolVersion, capabilities: { tools: {} }, serverInfo },
    "tools/list": { tools },
    "tools/call": { content },
  };
  return { jsonrpc: "2.0", id, result: results[method] ?? {} };
}

function metadata(origin: string): object {
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
    response_types_supported: ["code"],
    grant_types_supported: ["authorization_code"],
    code_challenge_methods_supported: ["S256"],
  };
}
