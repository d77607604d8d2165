/**
 * A program of a user, which every supported TypeScript has to understand: compiled as an ES module
 * and as a CommonJS one. What a compiler cannot read becomes `any` without a word, so each value says
 * that it is not.
 */
import { Codex, isAppServerError, type TurnEvent } from "codex-app-server-sdk";
import { configFor, startLoopbackModel } from "codex-app-server-sdk/testing";

type IsAny<T> = 0 extends 1 & T ? true : false;

/** Compiles for what has a type. */
function typed<T>(value: T, isAny: IsAny<T>): T {
  if (isAny) throw new Error("it has no type");
  return value;
}

export async function main(): Promise<void> {
  const model = typed(await startLoopbackModel(), false);
  const codex = typed(new Codex(await configFor(model)), false);
  const thread = typed(await codex.startThread({ cwd: "/" }), false);
  for await (const one of codex.models()) typed(one, false);
  for await (const status of codex.status()) typed(status.state, false);
  for await (const unsolicited of thread.unsolicitedTurns()) typed(unsolicited, false);

  const turn = typed(thread.turn("Hello"), false);
  for await (const event of turn) {
    const known: TurnEvent = typed(event, false);
    if (event.method !== "item/agentMessage/delta") continue;
    const delta: string = typed(event.params.delta, false);
    console.log(known.method, delta);
  }
  for await (const event of turn.stream({ subagents: true })) typed(event.origin, false);
  for await (const text of turn.textStream()) typed(text, false);
  const { done, value } = await turn[Symbol.asyncIterator]().next();
  if (done === true) typed(value, false);

  const process = typed(codex.spawn(["ls"], { cwd: "/" }), false);
  for await (const chunk of process.stdout) typed(chunk.byteLength, false);
  for await (const line of process.stdout.lines()) typed(line, false);
  try {
    const { finalResponse, items } = await thread.run("Hello");
    console.log(typed(finalResponse, false), typed(items, false).length);
  } catch (error) {
    if (isAppServerError(error)) console.error(typed(error.code, false));
  }
}
