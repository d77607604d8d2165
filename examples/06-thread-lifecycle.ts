/**
 * The life of a thread: name it, read it, fork it at an earlier point, put it in the archive and take
 * it back, and find it in the list.
 */
import assert from "node:assert/strict";
import { Codex } from "codex-app-server-sdk";
import { configFor, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));

// A new thread is stored with its first turn, or its name; before, it cannot be forked or found again.
const thread = await codex.startThread();
const opening = await thread.run("Plan a trip to Rome.");
await thread.run("By train.");

await thread.setName("Rome");
const { name, preview, cwd } = await thread.read();
console.log(`${name ?? "unnamed"}: "${preview}" in ${cwd}`);

// A copy that knows only the first turn, for another try. Without lastTurnId it has them all.
const fork = await codex.forkThread(thread.id, { lastTurnId: opening.id });
await fork.setName("Rome, by bike");
await fork.run("By bike.");

// Archived threads run no turns, and are listed only when asked for.
await thread.archive();
const active = await names({ archived: false });
const archived = await names({ archived: true });
console.log(`active: ${active.join()}; archived: ${archived.join()}`);

const back = await codex.unarchiveThread(thread.id);
const { status } = await back.run("Which way do we travel?");
console.log(`unarchived, and its next turn: ${status}`);

for await (const { id, status: ended } of back.turns({ sortDirection: "asc" })) {
  console.log(`- turn ${id}: ${ended}`);
}

async function names(which: { archived: boolean }): Promise<string[]> {
  const found = await codex.listThreads(which).all();
  return found.map((each) => each.name ?? each.id);
}

assert.deepEqual([name, preview], ["Rome", "Plan a trip to Rome."]);
assert.deepEqual([active, archived], [["Rome, by bike"], ["Rome"]]);
assert.deepEqual((await names({ archived: false })).sort(), ["Rome", "Rome, by bike"]);
const shown = (of: string) =>
  JSON.stringify(model.requests.findLast(({ threadId }) => threadId === of)?.input);
assert.match(shown(thread.id), /By train\./);
assert.match(shown(fork.id), /Plan a trip to Rome\..*By bike\./);
assert.doesNotMatch(shown(fork.id), /By train\./);
