/**
 * An app-server that does no work of its own, for `npm run soak`: what a turn does is said by its
 * input. `say` answers, `fail` fails, `hang` says one word and waits to be interrupted, `flood` says
 * much at once, `approve` and `tool` ask the client first, `wait` goes on when its thread is resumed,
 * and `die` ends the process. With `--listen` it takes connections of WebSocket on a port that it prints.
 */
import { FakeAppServer, type FakeTurn } from "../../lib/testing/index.js";

const server = new FakeAppServer({ version: "0.169.0" });
/** What goes on when a thread is resumed, by its id. */
const resumed = new Map<string, () => void>();

const done = ["That ", "is ", "all."];
const turns: Readonly<Record<string, (turn: FakeTurn) => unknown>> = {
  fail: (turn) => turn.fail("as asked"),
  hang: (turn) => turn.unfinishedText("Wait").hang(),
  async wait(turn) {
    turn.unfinishedText("Wait");
    await new Promise<void>((resolve) => resumed.set(turn.threadId, resolve));
    turn.reply(done);
  },
  die: (turn) => turn.crash(),
  flood: (turn) => turn.reply(Array.from({ length: 3_000 }, (_, word) => `word ${word} `)),
  async approve(turn) {
    await turn.askApproval("true");
    turn.reply(done);
  },
  async tool(turn) {
    await turn.callTool("look");
    turn.reply(done);
  },
};

server
  .onTurn((turn) => (turns[turn.text] ?? ((each: FakeTurn) => each.reply(done)))(turn))
  .onRequest("thread/resume", ({ threadId }, { passthrough }) => {
    setImmediate(() => {
      resumed.get(threadId)?.();
      resumed.delete(threadId);
    });
    return passthrough();
  })
  // Answered later than anybody waits.
  .onRequest("thread/read", async (_, { passthrough }) => {
    await new Promise((resolve) => setTimeout(resolve, 40));
    return passthrough();
  })
  // Never answered.
  .onRequest("config/read", () => new Promise(() => undefined))
  .onUnhandledRequest(() => ({ data: [] }));

if (process.argv.includes("--listen")) {
  process.stdout.write(`${new URL(await server.listen()).port}\n`);
  process.stdin.resume().on("end", () => process.exit());
} else server.serveStdio();
