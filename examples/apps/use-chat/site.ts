/** The page, and who may see it: whoever can reach the chat can have commands run on this machine. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

const host = "127.0.0.1";
// A script in this page could approve commands: none but ours runs, and nothing is loaded from elsewhere.
const headers = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** `names` are those who may come. Each gets a token. */
export async function openSite(names: readonly string[]) {
  const users = new Map(names.map((name) => [randomBytes(24).toString("base64url"), name]));
  const files = await bundlePage();
  const userOf = (cookie: string | null | undefined): string | null => {
    const [, token = ""] = /(?:^|;\s*)token=([\w-]+)/.exec(cookie ?? "") ?? [];
    return users.get(token) ?? null;
  };

  /** What `handle` answers, behind the page and the login. */
  const serve =
    (handle: Handler): Handler =>
    (request, response) => {
      const port = request.socket.localPort;
      // Another name for this address would be a page of somebody else's (DNS rebinding).
      if (![`${host}:${port}`, `localhost:${port}`].includes(request.headers.host ?? "")) {
        return response.writeHead(421).end();
      }
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://page");
      const token = searchParams.get("token") ?? "";
      if (pathname === "/" && users.has(token)) {
        // The address of the page must not stay in the history with the token in it.
        const cookie = `token=${token}; HttpOnly; SameSite=Strict; Path=/`;
        return response.writeHead(302, { "set-cookie": cookie, location: "/" }).end();
      }
      if (userOf(request.headers.cookie) === null) {
        return response.writeHead(401).end("Open the address that the server has printed.");
      }
      const file = files.get(pathname);
      if (!file) return handle(request, response);
      response.writeHead(200, { ...headers, "content-type": file.type }).end(file.body);
    };

  const printAddresses = (server: Server): void => {
    const { port } = server.address() as AddressInfo;
    for (const [token, user] of users)
      console.log(`${user}: http://${host}:${port}/?token=${token}`);
  };
  return { host, userOf, serve, printAddresses };
}

/** What the browser gets, by its path. */
async function bundlePage(): Promise<ReadonlyMap<string, { type: string; body: string }>> {
  const page = new URL("page/", import.meta.url);
  const { outputFiles } = await build({
    entryPoints: [new URL("main.tsx", page).pathname],
    bundle: true,
    format: "esm",
    jsx: "automatic",
    minify: true,
    target: "es2022",
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "error",
    write: false,
  });
  const read = (name: string) => readFile(new URL(name, page), "utf8");
  return new Map([
    ["/", { type: "text/html; charset=utf-8", body: await read("index.html") }],
    ["/style.css", { type: "text/css; charset=utf-8", body: await read("style.css") }],
    ["/main.js", { type: "text/javascript; charset=utf-8", body: outputFiles[0]!.text }],
  ]);
}
