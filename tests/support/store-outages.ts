import { expect } from "@jest/globals";
import type { FleetStore } from "../../lib/fleet/index.js";
import type { StreamEvent } from "../../lib/http/index.js";
import { follow, persist } from "./persist.js";

export const limits = { retainMs: 60_000, maxBytes: 1_048_576 };
export const facts = { owner: "ada", threadId: "thread" };

/** A database that can be killed, and comes back with what it has written to its disk. */
interface Killable {
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export function event(seq: number): StreamEvent {
  return { seq, type: "warning", data: JSON.stringify({ type: "warning", message: String(seq) }) };
}

export function eventsFrom(seq: number, count: number, make = event): StreamEvent[] {
  return Array.from({ length: count }, (_, index) => make(seq + index));
}

/** A line of the output that `appendOutput()` writes. */
export function outputText(seq: number): string {
  return `${seq} ${"x".repeat(60)}\n`;
}

/** Appends so many lines of the output of one call, a hundred at a time. */
export async function appendOutput({ streams }: FleetStore, count: number): Promise<void> {
  const delta = (seq: number): StreamEvent => {
    const part = { type: "tool-output", id: "call", delta: outputText(seq) };
    return { seq, type: "tool-output", data: JSON.stringify(part) };
  };
  for (let seq = 1; seq <= count; seq += 100)
    await streams.append("job", eventsFrom(seq, 100, delta));
}

/** The first commands for the job, for whoever waits through whatever happens to the database. */
export function firstCommands(store: FleetStore, signal: AbortSignal) {
  return persist(() => store.commands("job", 0, { waitMs: 60_000, signal }), signal);
}

/** Kills the database whenever `killsAt` says so while events are written: nothing that was told to be stored is lost. */
export async function losesNothing(
  [writing, reading]: readonly [FleetStore, FleetStore],
  server: Killable,
  { events, killsAt }: { readonly events: number; readonly killsAt: (seq: number) => boolean },
  signal: AbortSignal,
): Promise<void> {
  await writing.streams.create("job", facts, limits);
  await writing.mark("job", { holder: "me", threadId: "thread", messageId: "m" });
  const seen = follow(reading, "job", signal);
  const waiting = firstCommands(reading, signal);
  let restarted: Promise<void> | undefined;
  for (let seq = 1; seq <= events; seq += 10) {
    await persist(() => writing.streams.append("job", eventsFrom(seq, 10)), signal);
    if (!killsAt(seq)) continue;
    await restarted;
    restarted = server.kill().then(() => server.restart());
  }
  await restarted;
  await persist(() => writing.streams.end("job"), signal);
  expect(await seen).toEqual(Array.from({ length: events }, (_, index) => index + 1));
  expect(await persist(() => writing.markOf("job"), signal)).toMatchObject({ holder: "me" });
  // Whoever waited through it all hears of what comes now.
  const seq = await persist(() => writing.send("job", { type: "interrupt" }), signal);
  expect(await waiting).toMatchObject([{ seq }]);
}

/** Calls reject while the database is away, and say that they were not sent once its end has been heard of. */
export async function rejectsWhileAway(
  store: FleetStore,
  server: Killable,
  signal: AbortSignal,
): Promise<void> {
  await persist(() => store.note("job", "any", 1), signal);
  await server.kill();
  const noteOf = (): Promise<unknown> => store.noteOf("job", "any");
  const failed = (): Promise<unknown> => noteOf().catch((error: unknown) => error);
  // The first may still go over a connection whose end has not been heard of.
  let failure = await failed();
  while ((failure as { sent?: boolean }).sent !== false) {
    signal.throwIfAborted();
    failure = await failed();
  }
  expect(failure).toMatchObject({ code: "STORE_UNAVAILABLE", sent: false });
  await server.restart();
  expect(await persist(noteOf, signal)).toBe(1);
}

export interface ManyViewers {
  /** The streams, with ten viewers each. */
  readonly ids: readonly string[];
  /** Writes two events into each, ends it, and expects each viewer to have seen both. */
  readonly end: () => Promise<void>;
}

/** Ten viewers for each of twenty streams. */
export async function twoHundredViewers(
  writing: FleetStore,
  reading: FleetStore,
  signal: AbortSignal,
): Promise<ManyViewers> {
  const ids = Array.from({ length: 20 }, (_, index) => `job-${index}`);
  await Promise.all(ids.map((id) => writing.streams.create(id, facts, limits)));
  const viewers = ids.flatMap((id) =>
    Array.from({ length: 10 }, () => follow(reading, id, signal)),
  );
  const end = async (): Promise<void> => {
    for (const id of ids) {
      await writing.streams.append(id, eventsFrom(1, 2));
      await writing.streams.end(id);
    }
    for (const seen of await Promise.all(viewers)) expect(seen).toEqual([1, 2]);
  };
  return { ids, end };
}
