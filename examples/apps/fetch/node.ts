/** The chat under Node. It listens on the loopback: whoever has a token can have commands run here. */
import { createServer } from "node:http";
import { toNodeHandler } from "codex-app-server-sdk/http";
import { chat, drain, printUsers, summarise } from "./app.js";

async function answer(request: Request): Promise<Response> {
  const isSummary = new URL(request.url).pathname === "/summaries" && request.method === "POST";
  return isSummary ? summarise(request) : chat(request);
}

const server = createServer(toNodeHandler(answer, { onError: console.error }));
server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  printUsers((server.address() as { port: number }).port);
});
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => void drain().then(() => server.close()));
}
