/** A chat of the form `Request → Response`, for any server of that form: see `node.ts` and `hono.ts`. */
import { randomUUID } from "node:crypto";
import { Codex } from "codex-app-server-sdk";
import { createChat, toProblemResponse, UnauthorizedError } from "codex-app-server-sdk/http";

// In your service: the user of the session.
const users = new Map(["ann", "ben"].map((user) => [`Bearer ${randomUUID()}`, user]));
const userOf = (authorization: string | null) => users.get(authorization ?? "") ?? null;

const codex = new Codex();
export const chat = createChat({
  codex,
  basePath: "/api",
  owner: (request) => userOf(request.header("authorization")),
  newThread: { cwd: process.cwd(), sandbox: "workspace-write", approvalPolicy: "on-request" },
});

/** `POST /summaries`, a route beside the chat's. */
export async function summarise(request: Request): Promise<Response> {
  try {
    if (userOf(request.headers.get("authorization")) === null) throw new UnauthorizedError();
    const text = await request.text();
    const thread = await codex.startThread({ sandbox: "read-only", approvalPolicy: "never" });
    const result = await thread.run(`Summarise this: ${text}`, { timeoutMs: 60_000 });
    return Response.json({ summary: result.finalResponse }, { status: 201 });
  } catch (error) {
    console.error(error);
    return toProblemResponse(error);
  }
}

export function printUsers(port: number): void {
  for (const [token, user] of users) console.log(`${user}: http://127.0.0.1:${port} ${token}`);
}

/** Running turns go on to their end for so long; whatever would begin gets 503, and so does /api/health. */
export async function drain(drainMs = 20_000): Promise<void> {
  await Promise.all([chat.streams.close({ drainMs }), codex.close({ drainMs })]);
}
