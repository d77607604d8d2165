/** A chat server on Express. It listens on the loopback: whoever has a token can have commands run here. */
import { randomUUID } from "node:crypto";
import { Codex } from "codex-app-server-sdk";
import { createChat, toNodeHandler, toProblem, UnauthorizedError } from "codex-app-server-sdk/http";
import compression from "compression";
import express, { type NextFunction, type Request, type Response } from "express";

// In your service: the user of the session, `(request.raw as express.Request).session.user` below.
const users = new Map(["ann", "ben"].map((user) => [`Bearer ${randomUUID()}`, user]));
const userOf = (authorization: string | null | undefined) => users.get(authorization ?? "") ?? null;

const codex = new Codex();
const chat = createChat({
  codex,
  basePath: "/api",
  owner: (request) => userOf(request.header("authorization")),
  newThread: { cwd: process.cwd(), sandbox: "workspace-write", approvalPolicy: "on-request" },
});

const app = express();
// Events stay uncompressed, since they say `no-transform`. Compressed, they would be held back.
app.use(compression());
// Before express.json(), which takes 100 kB: images are larger.
app.use("/api", toNodeHandler(chat, { onError: console.error }));

app.post("/summaries", express.json(), async (request, response) => {
  if (userOf(request.get("authorization")) === null) throw new UnauthorizedError();
  const { text } = request.body as { text?: unknown };
  const thread = await codex.startThread({ sandbox: "read-only", approvalPolicy: "never" });
  const result = await thread.run(`Summarise this: ${String(text)}`, { timeoutMs: 60_000 });
  response.status(201).json({ summary: result.finalResponse });
});

// For your routes; those of the chat answer with such problems by themselves.
app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
  console.error(error);
  if (response.headersSent) return next(error);
  const { status, headers, body } = toProblem(error);
  response.status(status).set(headers).json(body);
});

const server = app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  const { port } = server.address() as { port: number };
  for (const [token, user] of users) console.log(`${user}: http://127.0.0.1:${port} ${token}`);
});

// Running turns go on to their end for so long; whatever would begin gets 503, and so does /api/health.
async function stop(drainMs = 20_000): Promise<void> {
  await Promise.all([chat.streams.close({ drainMs }), codex.close({ drainMs })]);
  server.close();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());
