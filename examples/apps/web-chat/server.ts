/**
 * A chat with Codex in the browser. It listens on the loopback, and each user has a token: whoever can reach
 * the page can have commands run on this machine.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Codex } from "codex-app-server-sdk";
import { createChat, toNodeHandler } from "codex-app-server-sdk/http";
import { build } from "esbuild";
import Fastify from "fastify";

const port = Number(process.env["PORT"] ?? 3000);
const host = "127.0.0.1";
/** By their tokens; more of them with USERS=ann,ben. */
const users = new Map(
  (process.env["USERS"] ?? "you")
    .split(",")
    .map((user) => [randomBytes(24).toString("base64url"), user]),
);

const codex = new Codex(JSON.parse(process.env["CODEX_OPTIONS"] ?? "{}") as object);
const chat = createChat({
  codex,
  basePath: "/api",
  owner: ({ header }) => userOf(header("cookie")),
  newThread: {
    cwd: process.env["PROJECT"] ?? process.cwd(),
    sandbox: "workspace-write",
    approvalPolicy: "on-request",
    ...(JSON.parse(process.env["THREAD_OPTIONS"] ?? "{}") as object),
  },
});

const app = Fastify();
const page = new URL("page/", import.meta.url);
const script = await build({
  entryPoints: [new URL("app.ts", page).pathname],
  bundle: true,
  format: "esm",
  minify: true,
  target: "es2022",
  logLevel: "error",
  write: false,
});
const files: Record<string, [type: string, body: string]> = {
  "/": ["text/html; charset=utf-8", await readFile(new URL("index.html", page), "utf8")],
  "/style.css": ["text/css; charset=utf-8", await readFile(new URL("style.css", page), "utf8")],
  "/icon.svg": ["image/svg+xml", await readFile(new URL("icon.svg", page), "utf8")],
  "/app.js": ["text/javascript; charset=utf-8", script.outputFiles[0]!.text],
};
// A script in this page could approve commands: none but ours runs, and nothing is loaded from elsewhere.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

app.addHook("onRequest", async (request, reply) => {
  // Another name for this address would be a page of somebody else's (DNS rebinding).
  const { port: listening } = app.server.address() as { port: number };
  const hosts = [`${host}:${listening}`, `localhost:${listening}`];
  if (!hosts.includes(request.headers.host ?? "")) return reply.code(421).send();
  reply.headers({
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
  });
  const { pathname, searchParams } = new URL(request.url, "http://page");
  const token = searchParams.get("token");
  if (pathname === "/" && token !== null && users.has(token)) {
    // The address of the page must not stay in the history with the token in it.
    const cookie = `token=${token}; HttpOnly; SameSite=Strict; Path=/`;
    return reply.header("set-cookie", cookie).redirect("/");
  }
  if (userOf(request.headers.cookie) === null) {
    return reply.code(401).send("Open the address that the server has printed.");
  }
});
for (const [path, [type, body]] of Object.entries(files)) {
  app.get(path, (_request, reply) => reply.type(type).send(body));
}
const handle = toNodeHandler(chat);
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", (_request, _body, done) => {
  done(null);
});
app.all("/api/*", async (request, reply) => {
  reply.hijack();
  await handle(request.raw, reply.raw);
});

await app.listen({ host, port });
const { port: listening } = app.server.address() as { port: number };
for (const [token, user] of users)
  console.log(`${user}: http://${host}:${listening}/?token=${token}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());

async function stop(): Promise<void> {
  await chat.streams.close({ drainMs: 5_000 });
  await app.close();
  await codex.close();
}

function userOf(cookie: string | null | undefined): string | null {
  const [, token = ""] = /(?:^|;\s*)token=([\w-]+)/.exec(cookie ?? "") ?? [];
  return users.get(token) ?? null;
}
