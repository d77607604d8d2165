/**
 * A small chat for the terminal: type to talk, /new starts over, /quit ends. Ctrl-C stops an answer,
 * and ends the program when there is none. Without a terminal it plays a short script to itself.
 *
 *     npx tsx examples/11-interactive-cli.ts
 */
import assert from "node:assert/strict";
import { createInterface } from "node:readline/promises";
import { PassThrough } from "node:stream";
import { Codex, isAppServerError, type Turn } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

const script = ["Hello", "What did I say?", "/new", "", "break something", "Still there?", "/quit"];
const input = process.stdin.isTTY ? process.stdin : new PassThrough();
if (input instanceof PassThrough) input.write(script.map((line) => `${line}\n`).join(""));

// To chat with your own model, make a `new Codex()` and leave out what is about `model`.
await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));
model.respond(({ lastUserText, input: conversation }) => {
  if (lastUserText.includes("break")) return reply.overloaded();
  const said = conversation.filter(({ role }) => role === "assistant").length;
  return reply.text(`"${lastUserText}" is what you said, after ${said} answers of mine.`, {
    delayMs: process.stdin.isTTY ? 80 : 0,
  });
});

let thread = await codex.startThread();
let turn: Turn | undefined;
const completed: string[] = [];

const terminal = createInterface({ input, output: process.stdout, terminal: process.stdin.isTTY });
terminal.on("SIGINT", () => {
  if (turn) void turn.interrupt();
  else terminal.close();
});

let open = true;
terminal.once("close", () => {
  open = false; // Ctrl-D, perhaps in the middle of an answer
});

prompt();
for await (const line of terminal) {
  if (line === "/quit") break;
  if (line === "/new") thread = await codex.startThread();
  else if (line.trim() !== "") await answer(line);
  prompt();
}
terminal.close();
console.log(`\n${completed.length} answers completed`);

function prompt(): void {
  if (open) terminal.prompt();
}

async function answer(line: string): Promise<void> {
  turn = thread.turn(line);
  try {
    for await (const text of turn.textStream()) process.stdout.write(text);
    const { status, finalResponse } = await turn.run();
    if (status === "completed") completed.push(finalResponse ?? "");
    console.log(status === "interrupted" ? " (stopped)" : "");
  } catch (error) {
    if (!isAppServerError(error)) throw error;
    console.log(error.message); // the thread stays usable, so the chat goes on
  } finally {
    turn = undefined;
  }
}

if (!process.stdin.isTTY) {
  assert.deepEqual(completed, [
    '"Hello" is what you said, after 0 answers of mine.',
    '"What did I say?" is what you said, after 1 answers of mine.',
    '"Still there?" is what you said, after 0 answers of mine.',
  ]);
}
