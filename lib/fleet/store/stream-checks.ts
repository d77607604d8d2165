import type { StreamEvent, TurnStreamStore } from "../../http/index.js";
import type { FleetChecks } from "./fleet-checks.js";
import { rejectsWith, same } from "./check-helpers.js";

const limits = { retainMs: 60_000, maxBytes: 1_048_576 };
const facts = { owner: "ada", threadId: "thread" };

function event(seq: number, message: string): StreamEvent {
  return { seq, type: "warning", data: JSON.stringify({ type: "warning", message }) };
}

function read(store: TurnStreamStore, id: string, after: number) {
  const { signal } = new AbortController();
  return store.read(id, after, { maxBytes: 1_000_000, waitMs: 0, signal });
}

async function readAll(
  store: TurnStreamStore,
  id: string,
  after: number,
  last: number,
): Promise<StreamEvent[]> {
  const all: StreamEvent[] = [];
  while ((all.at(-1)?.seq ?? after) < last) {
    const page = await read(store, id, all.at(-1)?.seq ?? after);
    all.push(...(page?.events ?? []));
  }
  return all;
}

/** About 1,000 bytes of a tool's output, which may be merged and dropped. */
function output(seq: number): StreamEvent {
  const delta = `${seq} ${"x".repeat(1_000)}`;
  return {
    seq,
    type: "tool-output",
    data: JSON.stringify({ type: "tool-output", id: "call", delta }),
  };
}

function textOf(events: readonly StreamEvent[]): string {
  return events.map(({ data }) => (JSON.parse(data) as { delta?: string }).delta ?? "").join("");
}

/** The promises about the streams of writers that have names, and their bounds. */
export const streamChecks: FleetChecks = {
  async "whoever begins a stream last writes it, and nobody else any more"({ here, there, id }) {
    const [old, next] = [here.streamsAs("old"), there.streamsAs("next")];
    await old.create(id, facts, limits);
    await old.append(id, [event(1, "old"), event(2, "old")]);
    await next.create(id, facts, limits);
    same((await next.find(id))?.last, 2);
    await rejectsWith("STREAM_TAKEN", () => old.append(id, [event(3, "old")]));
    await rejectsWith("STREAM_TAKEN", () => old.nameTurn(id, "old"));
    await rejectsWith("STREAM_TAKEN", () => old.end(id));
    await next.append(id, [event(3, "next")]);
    await next.nameTurn(id, "turn");
    await next.end(id);
    const all = [event(1, "old"), event(2, "old"), event(3, "next")];
    same(await read(here.streams, id, 0), { events: all, ended: true });
    same((await old.find(id))?.turnId, "turn");
  },

  async "two who take a stream at once do not mix in it"({ here, there, id }) {
    const writers = [here.streamsAs("one"), there.streamsAs("two")];
    await Promise.allSettled(
      writers.map(async (writer, own) => {
        await writer.create(id, facts, limits);
        for (let seq = 1; seq <= 20; seq += 1) await writer.append(id, [event(seq, `by ${own}`)]);
      }),
    );
    const events = (await read(here.streams, id, 0))?.events ?? [];
    same(
      events.map(({ seq }) => seq),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    // Once the other one has taken it, nothing of the first comes any more.
    const changes = events.filter(({ data }, at) => at > 0 && data !== events[at - 1]?.data);
    if (changes.length > 1) throw new Error("events of both are mixed");
  },

  async "a page of many events is read in pieces, and none is missed"({ here, there, id }) {
    await here.streams.create(id, facts, limits);
    const all = Array.from({ length: 1_200 }, (_, index) => event(index + 1, "x"));
    await here.streams.append(id, all);
    const seen: number[] = [];
    const { signal } = new AbortController();
    while (seen.length < all.length) {
      const page = await there.streams.read(id, seen.at(-1) ?? 0, {
        maxBytes: 5_000,
        waitMs: 30_000,
        signal,
      });
      seen.push(...(page?.events ?? []).map(({ seq }) => seq));
    }
    same(
      seen,
      all.map(({ seq }) => seq),
    );
  },

  async "a reader far behind gets a gap, and whoever is in front misses nothing"({
    here,
    there,
    id,
  }) {
    await here.streams.create(id, facts, { ...limits, maxBytes: 20_000 });
    const deltas = Array.from({ length: 40 }, (_, index) => output(index + 1));
    for (const delta of deltas) await here.streams.append(id, [delta]);
    const late = await readAll(there.streams, id, 0, 40);
    if (!late.some(({ type }) => type === "gap")) throw new Error("it gives no gap");
    const bytes = late.reduce((sum, { data }) => sum + data.length, 0);
    if (bytes > 30_000) throw new Error(`it keeps ${bytes} bytes of 20,000`);
    same(late.at(-1)?.seq, 40);
    const numbers = late.map(({ seq }) => seq);
    same(
      numbers,
      [...new Set(numbers)].sort((one, other) => one - other),
    );
    same(textOf(await readAll(there.streams, id, 39, 40)), textOf(deltas.slice(39)));
  },
};
