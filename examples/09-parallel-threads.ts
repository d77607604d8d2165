/**
 * Many conversations in one server: a single `Codex`, made when the process starts, serves them all.
 * POST /threads starts one; POST /threads/<id> says something and streams the answer.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Codex, ThreadNotFoundError } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

const model = await startLoopbackModel({
  respond: ({ lastUserText }) => reply.text(`You said: ${lastUserText}`),
});
const codex = new Codex(await configFor(model));

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = request.url?.split("/")[2];
  if (!id) {
    const thread = await codex.startThread();
    response.end(thread.id);
    return;
  }
  // Somebody who hangs up must not keep the model busy.
  const gone = new AbortController();
  response.once("close", () => {
    gone.abort();
  });
  // Two messages for one thread at the same time are answered one after the other.
  const turn = codex.thread(id).turn(await text(request), { signal: gone.signal });
  for await (const piece of turn.textStream()) {
    if (!response.write(piece)) await once(response, "drain", { signal: gone.signal });
  }
  response.end();
}

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    if (response.headersSent)
      response.destroy(); // so that half an answer does not look whole
    else response.writeHead(error instanceof ThreadNotFoundError ? 404 : 500).end();
  });
});

try {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/threads`;
  const post = (to: string, body = "") => fetch(to, { method: "POST", body });

  const conversations = Array.from({ length: 10 }, async (_, number) => {
    const id = await (await post(url)).text();
    const answers = ["hello", "and goodbye"].map(async (what) =>
      (await post(`${url}/${id}`, `${what} from ${number}`)).text(),
    );
    return { id, number, answers: await Promise.all(answers) };
  });

  const finished = await Promise.all(conversations);
  for (const { number, answers } of finished) {
    assert.deepEqual(answers.toSorted(), [
      `You said: and goodbye from ${number}`,
      `You said: hello from ${number}`,
    ]);
  }
  assert.equal(new Set(finished.map(({ id }) => id)).size, 10);
  assert.equal((await post(`${url}/00000000-0000-7000-8000-000000000000`, "Hi")).status, 404);
  console.log(`${finished.length} conversations completed: ${model.requests.length} turns`);
} finally {
  server.closeAllConnections();
  server.close();
  await codex.close();
  await model.close();
}
