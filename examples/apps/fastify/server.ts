/** A chat server on Fastify. It listens on the loopback: whoever has a token can have commands run here. */
import { randomUUID } from "node:crypto";
import { Codex } from "codex-app-server-sdk";
import {
  createChat,
  toFastifyHandler,
  toProblem,
  UnauthorizedError,
} from "codex-app-server-sdk/http";
import Fastify from "fastify";

// In your service: the user of the session, `(request.raw as FastifyRequest).session.user` below.
const users = new Map(["ann", "ben"].map((user) => [`Bearer ${randomUUID()}`, user]));
const userOf = (authorization: string | null | undefined) => users.get(authorization ?? "") ?? null;

const codex = new Codex();
const chat = createChat({
  codex,
  basePath: "/api",
  owner: (request) => userOf(request.header("authorization")),
  newThread: { cwd: process.cwd(), sandbox: "workspace-write", approvalPolicy: "on-request" },
});

const app = Fastify();
// Images come in the body. The reply is hijacked, so no compression holds events back.
app.all("/api/*", { bodyLimit: 8 * 1_048_576 }, toFastifyHandler(chat, { onError: console.error }));

const schema = {
  body: { type: "object", required: ["text"], properties: { text: { type: "string" } } },
} as const;
app.post<{ Body: { text: string } }>("/summaries", { schema }, async (request, reply) => {
  if (userOf(request.headers.authorization) === null) throw new UnauthorizedError();
  const thread = await codex.startThread({ sandbox: "read-only", approvalPolicy: "never" });
  const result = await thread.run(`Summarise: ${request.body.text}`, { timeoutMs: 60_000 });
  return reply.code(201).send({ summary: result.finalResponse });
});

// For your routes, and for bodies that Fastify refuses.
app.setErrorHandler((error, _request, reply) => {
  console.error(error);
  const { status, headers, body } = toProblem(error);
  return reply.code(status).headers(headers).send(body);
});

await app.listen({ host: "127.0.0.1", port: Number(process.env["PORT"] ?? 3000) });
const { port } = app.server.address() as { port: number };
for (const [token, user] of users) console.log(`${user}: http://127.0.0.1:${port} ${token}`);

// Running turns go on to their end for so long; whatever would begin gets 503, and so does /api/health.
async function stop(drainMs = 20_000): Promise<void> {
  await Promise.all([chat.streams.close({ drainMs }), codex.close({ drainMs })]);
  await app.close();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void stop());
