import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { ExpressAdapter } from "@bull-board/express";
import { Queue } from "bullmq";
import { RedisFleetStore, TurnQueue } from "codex-app-server-sdk/fleet";
import { toProblem, TurnStreams } from "codex-app-server-sdk/http";
import express, { type NextFunction, type Request, type Response } from "express";

const { REDIS_PORT: redisPort = "", PORT: port = "" } = process.env;
const connection = { host: "127.0.0.1", port: Number(redisPort) };
const store = new RedisFleetStore({ redis: `redis://127.0.0.1:${redisPort}` });
const queue = new TurnQueue({ store, connection });
// Whoever reaches this page is the one user there is: put your login in its place, and compare it with `owner`.
const owner = "demo";
const streams = new TurnStreams({
  store: store.streams,
  authorize: (_, subject) => subject.owner === owner,
});

const app = express();
app.use(express.json());
app.post("/turns", async (request, response) => {
  const { thread, text, key } = request.body as { thread?: string; text: string; key?: string };
  const place = thread === undefined ? { newThread: { cwd: process.cwd() } } : { thread };
  const job = await queue.add({ ...place, input: text, owner, idempotencyKey: key });
  response.status(202).json({ id: job.id });
});
app.get("/turns/:id/events", (request, response) =>
  streams.pipe(request, response, request.params.id),
);
app.get("/turns/:id", async (request, response) => {
  const { threadId, status, finalResponse } = await queue.job(request.params.id).result();
  response.json({ threadId, status, finalResponse });
});
app.post("/turns/:id/answer", async (request, response) => {
  const { key, decision } = request.body as { key: string; decision: "accept" | "decline" };
  await queue.job(request.params.id).answer(key, decision);
  response.status(204).end();
});
app.post("/turns/:id/stop", async (request, response) => {
  await queue.job(request.params.id).interrupt();
  response.status(204).end();
});

const board = new ExpressAdapter();
board.setBasePath("/board");
const names = ["turns", "turns@a", "turns@b"];
const queues = names.map((name) => new BullMQAdapter(new Queue(name, { connection })));
createBullBoard({ queues, serverAdapter: board });
app.use("/board", board.getRouter());

app.get("/", (_, response) => {
  response.type("html").send(page);
});
app.use((error: unknown, _: Request, response: Response, next: NextFunction) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  const { status, headers, body } = toProblem(error);
  response.writeHead(status, headers).end(JSON.stringify(body));
});
app.listen(Number(port), "127.0.0.1");

const page = `<!doctype html><title>Fleet</title><form><input name="text" aria-label="Message"><button>Send</button></form>
<p><a href="/board">Jobs</a></p><pre></pre><script type="module">
let thread;
document.forms[0].onsubmit = async (event) => {
  event.preventDefault();
  const text = event.target.text.value;
  const headers = { "content-type": "application/json" };
  const key = crypto.randomUUID();
  const sent = await fetch("/turns", { method: "POST", headers, body: JSON.stringify({ thread, text, key }) });
  const { id } = await sent.json();
  const shown = document.querySelector("pre");
  shown.textContent += "\\n> " + text + "\\n";
  const follow = () => {
    const events = new EventSource("/turns/" + id + "/events");
    events.addEventListener("start", (event) => { thread ??= JSON.parse(event.data).threadId; });
    events.addEventListener("message-delta", (event) => { shown.textContent += JSON.parse(event.data).delta; });
    events.addEventListener("request", (event) => {
      const { key, request } = JSON.parse(event.data);
      const decision = confirm("Allow? " + (request.command ?? request.kind)) ? "accept" : "decline";
      fetch("/turns/" + id + "/answer", { method: "POST", headers, body: JSON.stringify({ key, decision }) });
    });
    events.addEventListener("end", () => events.close());
    // No worker has begun the thread yet.
    events.onerror = () => { if (events.readyState === EventSource.CLOSED) setTimeout(follow, 500); };
  };
  follow();
};
</script>`;
