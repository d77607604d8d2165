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

/** The promises about the streams of writers that have names. */
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
};
