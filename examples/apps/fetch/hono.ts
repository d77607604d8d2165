/** The chat under Hono. It listens on the loopback: whoever has a token can have commands run here. */
import { serve } from "@hono/node-server";
import { toProblemResponse } from "codex-app-server-sdk/http";
import { Hono } from "hono";
import { chat, drain, printUsers, summarise } from "./app.js";

const app = new Hono();
app.all("/api/*", (context) => chat(context.req.raw));
app.post("/summaries", (context) => summarise(context.req.raw));
// For what your middleware throws.
app.onError((error) => toProblemResponse(error));

const port = Number(process.env["PORT"] ?? 3000);
const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, (address) => {
  printUsers(address.port);
});
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => void drain().then(() => server.close()));
}
