import { existsSync } from "node:fs";
import { appendFile, truncate, utimes } from "node:fs/promises";
import path from "node:path";
import * as zlib from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  DirectoryRolloutStore,
  exportThread,
  importThread,
  releaseThread,
} from "../../lib/fleet/index.js";
import type { Codex, Thread } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { RealStage, rejection } from "../support/real.js";
import { makeTempDir, type TempDir } from "../support/temp-dir.js";

/** Two hosts, each with a home and a server of its own, and a directory that both see. */
let a: RealStage;
let b: RealStage;
let onA: Codex;
let onB: Codex;
let shared: TempDir;
let store: DirectoryRolloutStore;

beforeAll(async () => {
  a = await RealStage.open();
  b = await RealStage.open();
  const unloading = (stage: RealStage) => {
    const { config } = stage.options();
    return stage.codex({ config: { ...config, thread_unload_delay_secs: 0 } });
  };
  onA = unloading(a);
  onB = unloading(b);
  shared = await makeTempDir();
  store = new DirectoryRolloutStore({ directory: shared.path });
});
afterAll(async () => {
  // Each stage counts the servers that are left when it closes.
  await onA.close();
  await onB.close();
  await a.close();
  await b.close();
  await shared.remove();
});

/** A turn on a host, whose model says `text`. */
async function run(stage: RealStage, thread: Thread, input: string, text: string) {
  stage.model.enqueueFor(thread.id, reply.text(text));
  return thread.run(input);
}

async function exportFrom(codex: Codex, id: string) {
  await releaseThread(codex, id);
  return exportThread(codex, id, store);
}

async function importTo(codex: Codex, id: string) {
  await releaseThread(codex, id);
  return importThread(codex, id, store);
}

/** What the model of a host was last asked. */
const lastInput = (stage: RealStage) => JSON.stringify(stage.model.requests.at(-1)?.input);

const notMoved = (reason: string) => ({ code: "THREAD_NOT_MOVED", reason });

describe("a thread", () => {
  test("goes from host to host, and each model sees the whole history", async () => {
    const thread = await onA.startThread({ cwd: a.project });
    const { id: turnId } = await run(a, thread, "My name is Ann.", "Hello Ann.");
    expect(await exportFrom(onA, thread.id)).toEqual({ generation: 1, changed: true });
    expect(await importTo(onB, thread.id)).toEqual({ generation: 1, changed: true });
    // Its server has not read the rollout before.
    const attached = onB.thread(thread.id).attachTurn({ id: turnId });
    expect(await attached.run()).toMatchObject({
      status: "completed",
      finalResponse: "Hello Ann.",
    });
    await run(b, onB.thread(thread.id), "I live in Ulm.", "A fine place.");
    expect(lastInput(b)).toMatch(/My name is Ann.*Hello Ann.*I live in Ulm/);
    expect(await onB.thread(thread.id).turns().all()).toHaveLength(2);
    await exportFrom(onB, thread.id);
    await importTo(onA, thread.id);
    await run(a, thread, "Who am I?", "Ann of Ulm.");
    expect(lastInput(a)).toMatch(/My name is Ann.*I live in Ulm.*A fine place.*Who am I/);
    expect(await thread.turns().all()).toHaveLength(3);
    expect(await exportFrom(onA, thread.id)).toEqual({ generation: 3, changed: true });
  });

  test("is not moved while a server has it loaded, on either side", async () => {
    const thread = await onA.startThread({ cwd: a.project });
    await run(a, thread, "One", "First.");
    expect(await rejection(exportThread(onA, thread.id, store))).toMatchObject(notMoved("loaded"));
    await exportFrom(onA, thread.id);
    await importTo(onB, thread.id);
    await run(b, onB.thread(thread.id), "Two", "Second.");
    await exportFrom(onB, thread.id);
    await onA.resumeThread(thread.id);
    expect(await rejection(importThread(onA, thread.id, store))).toMatchObject(notMoved("loaded"));
    expect(await importTo(onA, thread.id)).toMatchObject({ changed: true });
  });

  test("that both hosts have gone on with is not overwritten", async () => {
    const thread = await onA.startThread({ cwd: a.project });
    await run(a, thread, "One", "First.");
    await exportFrom(onA, thread.id);
    await importTo(onB, thread.id);
    await run(a, thread, "On A", "Here.");
    await run(b, onB.thread(thread.id), "On B", "There.");
    await exportFrom(onA, thread.id);
    expect((await rejection(exportFrom(onB, thread.id))).message).toContain("Keep one of the two");
    expect(await rejection(importTo(onB, thread.id))).toMatchObject(notMoved("diverged"));
    await run(b, onB.thread(thread.id), "Still on B?", "Yes.");
    expect(lastInput(b)).toMatch(/On B.*There/);
  });

  test("that was forked takes the history along that it goes on", async () => {
    const source = await onA.startThread({ cwd: a.project });
    await run(a, source, "The word is heliotrope.", "Noted.");
    const fork = await source.fork();
    await run(a, fork, "In the fork", "Forked.");
    await exportFrom(onA, fork.id);
    await importTo(onB, fork.id);
    await run(b, onB.thread(fork.id), "Which word?", "Heliotrope.");
    expect(lastInput(b)).toMatch(/heliotrope.*In the fork.*Which word/);
    // The thread that it was forked from follows later, with what it has done since.
    await run(a, source, "Another is azure.", "Noted, too.");
    await exportFrom(onA, source.id);
    await importTo(onB, source.id);
    await run(b, onB.thread(source.id), "Both?", "Heliotrope and azure.");
    expect(lastInput(b)).toMatch(/heliotrope.*azure.*Both/);
  });

  test("takes its sub-agents along", async () => {
    const thread = await onA.startThread({ cwd: a.project });
    a.model.respond((request) => {
      if (request.parentThreadId === thread.id) return reply.text("The child's answer.");
      const [spawned, waited] = request.toolOutputs.filter(({ callId }) => callId !== "");
      if (!spawned) return reply.spawnAgent("Look into it.");
      const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
      return waited ? reply.text("The parent's answer.") : reply.waitAgent([agentId]);
    });
    const turn = thread.turn("Ask somebody");
    await turn.run();
    a.model.respond(undefined);
    const [child] = turn.subagents();
    await exportFrom(onA, thread.id);
    await importTo(onB, thread.id);
    const onHostB = await onB.resumeThread(child?.threadId ?? "");
    expect(await onHostB.turns().all()).toHaveLength(1);
    await run(b, onB.thread(thread.id), "And now?", "Done.");
    expect(lastInput(b)).toContain("The parent's answer.");
    // Host B does not know whose it is, and takes it along all the same.
    await exportFrom(onB, thread.id);
    const manifest = await store.head(thread.id);
    expect(manifest?.files.map(({ role }) => role).sort()).toEqual(["subagent", "thread"]);
  });

  test("that was reverted goes on where it was reverted to", async () => {
    const thread = await onA.startThread({ cwd: a.project });
    await run(a, thread, "Keep this", "Kept.");
    const { id } = await run(a, thread, "Forget this", "Gone.");
    await exportFrom(onA, thread.id);
    await importTo(onB, thread.id);
    await onA.resumeThread(thread.id);
    await onA.rpc.thread.revert({ threadId: thread.id, beforeTurnId: id });
    await run(a, thread, "Say this instead", "Said.");
    await exportFrom(onA, thread.id);
    await importTo(onB, thread.id);
    await run(b, onB.thread(thread.id), "And?", "So.");
    expect(lastInput(b)).toMatch(/Keep this.*Say this instead.*And\?/);
    expect(lastInput(b)).not.toContain("Forget this");
  });

  test("that is archived is so on the other host, and comes out there", async () => {
    const thread = await onA.startThread({ cwd: a.project });
    await run(a, thread, "To be stored away", "Well.");
    await thread.archive();
    await exportFrom(onA, thread.id);
    await importTo(onB, thread.id);
    expect(await rejection(onB.resumeThread(thread.id))).toMatchObject({ code: "THREAD_ARCHIVED" });
    const back = await onB.unarchiveThread(thread.id);
    await run(b, back, "Back again", "Welcome.");
    expect(lastInput(b)).toMatch(/To be stored away.*Back again/);
    await exportFrom(onB, thread.id);
    await importTo(onA, thread.id);
    await run(a, onA.thread(thread.id), "And here", "Too.");
    expect(lastInput(a)).toMatch(/To be stored away.*Back again.*And here/);
  });

  test("whose file in the store was cut, or is longer, is not imported", async () => {
    const thread = await onA.startThread({ cwd: a.project });
    await run(a, thread, "One", "First.");
    await exportFrom(onA, thread.id);
    const [entry] = (await store.head(thread.id))?.files ?? [];
    const file = path.join(shared.path, thread.id, entry?.name ?? "");
    await appendFile(file, "{}\n");
    expect(await rejection(importTo(onB, thread.id))).toMatchObject(notMoved("damaged"));
    await truncate(file, (entry?.size ?? 0) - 300);
    expect(await rejection(importTo(onB, thread.id))).toMatchObject(notMoved("damaged"));
    expect(await rejection(onB.resumeThread(thread.id))).toMatchObject({
      code: "THREAD_NOT_FOUND",
    });
  });

  test("that the server has compressed is moved where Node.js reads that, and stays elsewhere", async () => {
    const thread = await onA.startThread({ cwd: a.project });
    await run(a, thread, "Long ago", "Once.");
    await releaseThread(onA, thread.id);
    const file = (await thread.read()).path ?? "";
    const longAgo = new Date("2026-01-01");
    await utimes(file, longAgo, longAgo);
    await onA.rpc.rollout.compress();
    while (!existsSync(`${file}.zst`)) await new Promise((resolve) => setTimeout(resolve, 20));
    if (!("createZstdDecompress" in zlib)) {
      const refused = await rejection(exportThread(onA, thread.id, store));
      expect(refused).toMatchObject(notMoved("compressed"));
      return;
    }
    await exportFrom(onA, thread.id);
    await importTo(onB, thread.id);
    await run(b, onB.thread(thread.id), "And now?", "Now.");
    expect(lastInput(b)).toMatch(/Long ago.*Once.*And now/);
    await exportFrom(onB, thread.id);
    await importTo(onA, thread.id);
    await run(a, thread, "Here again", "Yes.");
    expect(lastInput(a)).toMatch(/Long ago.*And now.*Here again/);
  });
});
