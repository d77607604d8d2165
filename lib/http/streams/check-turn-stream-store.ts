import type { StreamEvent, TurnStreamStore } from "./turn-stream-store.js";

/** A store under test. One that is shared by processes is tested best as two: pass another for `reading`. */
export interface StoreUnderTest {
  readonly writing: TurnStreamStore;
  /** How another process sees the same streams (default: `writing`). */
  readonly reading?: TurnStreamStore | undefined;
}

const limits = { retainMs: 60_000, maxBytes: 1_048_576 };
const briefly = 20;
const long = 30_000;

/**
 * Checks that a store of yours does what `TurnStreams` relies on. `make` gives a store that has nothing in it, or
 * nothing under the ids and names that begin with `prefix`; each check gets a store of its own, and closes it.
 *
 * ```ts
 * test("the store is a TurnStreamStore", () =>
 *   checkTurnStreamStore(() => ({ writing: new RedisStreamStore(url) })));
 * ```
 *
 * @throws an Error that says what the store does otherwise.
 */
export async function checkTurnStreamStore(
  make: () => StoreUnderTest | Promise<StoreUnderTest>,
  prefix = `check-${Date.now()}`,
): Promise<void> {
  // What waits in a store need not keep the process alive; the checks have to.
  const running = setInterval(() => undefined, long);
  try {
    for (const [name, checkOne] of Object.entries(checks)) {
      await checkStore(name, checkOne, await make(), prefix);
    }
  } finally {
    clearInterval(running);
  }
}

async function checkStore(
  name: string,
  checkOne: (stores: Stores) => Promise<void>,
  { writing, reading = writing }: StoreUnderTest,
  prefix: string,
): Promise<void> {
  try {
    await checkOne({ writing, reading, id: `${prefix}-${name.replaceAll(" ", "-")}` });
  } catch (error) {
    throw new Error(`The store fails the check "${name}".`, { cause: error });
  } finally {
    await writing.close();
    if (reading !== writing) await reading.close();
  }
}

interface Stores {
  readonly writing: TurnStreamStore;
  readonly reading: TurnStreamStore;
  readonly id: string;
}

const checks: Readonly<Record<string, (stores: Stores) => Promise<void>>> = {
  async "a stream that was never made is not there"({ reading, id }) {
    same(await reading.find(id), undefined);
    same(await read(reading, id, 0), undefined);
  },

  async "a stream tells whose it is, and how far it has come"({ writing, reading, id }) {
    await writing.create(id, { owner: "ada", threadId: "thread" }, limits);
    same(await reading.find(id), described({ turnId: undefined, ended: false, last: 0 }));
    await writing.nameTurn(id, "turn");
    await writing.append(id, [event(1), event(2)]);
    same(await reading.find(id), described({ turnId: "turn", ended: false, last: 2 }));
    await writing.end(id);
    same(await reading.find(id), described({ turnId: "turn", ended: true, last: 2 }));
  },

  async "events are read in order, from behind any of them"({ writing, reading, id }) {
    await begun(writing, id, 3);
    await writing.append(id, [event(4), event(5)]);
    for (const after of [0, 2, 3, 4]) {
      const all = [1, 2, 3, 4, 5].filter((seq) => seq > after);
      same(
        (await readAll(reading, id, after, 5)).map(({ seq }) => seq),
        all,
      );
    }
    same(await readAll(reading, id, 4, 5), [event(5)]);
  },

  async "a page has as many events as were asked for, and one at least"({ writing, reading, id }) {
    await begun(writing, id, 50);
    const page = await read(reading, id, 0, { maxBytes: 200 });
    const count = page?.events.length ?? 0;
    if (count < 1 || count > 20) throw new Error(`it has ${count} events of 40 bytes each`);
    same((await read(reading, id, 0, { maxBytes: 1 }))?.events, [event(1)]);
  },

  async "a reader without news waits, and gets them when they come"({ writing, reading, id }) {
    await begun(writing, id, 1);
    const waiting = [
      read(reading, id, 1, { waitMs: long }),
      read(reading, id, 1, { waitMs: long }),
    ];
    await writing.append(id, [event(2)]);
    for (const page of await Promise.all(waiting)) same(page, { events: [event(2)], ended: false });
  },

  async "a reader without news gets an empty page in the end"({ writing, reading, id }) {
    await begun(writing, id, 1);
    same(await read(reading, id, 1, { waitMs: briefly }), { events: [], ended: false });
  },

  async "a reader who waits briefly does not wait as long as another one"({
    writing,
    reading,
    id,
  }) {
    await begun(writing, id, 1);
    const patient = read(reading, id, 1, { waitMs: long });
    for (const waitMs of [0, briefly]) {
      same(await read(reading, id, 1, { waitMs }), { events: [], ended: false });
    }
    await writing.end(id);
    same(await patient, { events: [], ended: true });
  },

  async "a signal ends the wait"({ writing, reading, id }) {
    await begun(writing, id, 1);
    const over = new AbortController();
    const options = { maxBytes: 1_000, waitMs: long, signal: over.signal };
    const waiting = reading.read(id, 1, options);
    over.abort();
    same((await waiting)?.events, []);
    same((await reading.read(id, 1, options))?.events, []);
  },

  async "the end wakes those who wait, and comes behind all events"({ writing, reading, id }) {
    await begun(writing, id, 2);
    const waiting = read(reading, id, 2, { waitMs: long });
    await writing.end(id);
    same(await waiting, { events: [], ended: true });
    same(await read(reading, id, 0, { maxBytes: 1 }), { events: [event(1)], ended: false });
    same(await read(reading, id, 1), { events: [event(2)], ended: true });
  },

  async "a stream is kept for a while after its end, and no longer"({ writing, reading, id }) {
    // Whoever is too slow to see it looks for one that is kept longer.
    for (let retainMs = 200; ; retainMs *= 4) {
      const own = `${id}-${retainMs}`;
      await writing.create(own, { owner: "ada", threadId: "thread" }, { ...limits, retainMs });
      await writing.append(own, [event(1)]);
      const ended = Date.now();
      await writing.end(own);
      const page = await read(reading, own, 0);
      if (!page && Date.now() - ended >= retainMs) continue;
      same(page?.events, [event(1)]);
      const giveUp = Date.now() + long;
      while (await reading.find(own)) {
        if (Date.now() > giveUp) throw new Error("it is still there");
        await new Promise((resolve) => setTimeout(resolve, briefly));
      }
      same(await read(reading, own, 0), undefined);
      return;
    }
  },

  async "a stream that is there is not begun anew"({ writing, reading, id }) {
    await begun(writing, id, 2);
    await reading.create(id, { owner: "eve", threadId: "other" }, limits);
    same(await reading.find(id), described({ turnId: undefined, ended: false, last: 2 }));
    same((await read(reading, id, 0))?.events, [event(1), event(2)]);
  },

  async "another writer goes on with a stream"({ writing, reading, id }) {
    await begun(writing, id, 2);
    await reading.create(id, { owner: "ada", threadId: "thread" }, limits);
    await reading.append(id, [event(3)]);
    await reading.end(id);
    same(await read(writing, id, 0), { events: [event(1), event(2), event(3)], ended: true });
  },

  async "events that are there already are not added again"({ writing, reading, id }) {
    await begun(writing, id, 3);
    await writing.append(id, [event(2), event(3)]);
    await reading.append(id, [other(1), other(3), event(4)]);
    same((await read(reading, id, 0))?.events, [event(1), event(2), event(3), event(4)]);
    same(await reading.find(id), described({ turnId: undefined, ended: false, last: 4 }));
  },

  async "nothing comes behind the end"({ writing, reading, id }) {
    await begun(writing, id, 1);
    await writing.end(id);
    await writing.append(id, [event(2)]);
    await writing.end(id);
    same(await read(reading, id, 0), { events: [event(1)], ended: true });
  },

  async "streams do not mix"({ writing, reading, id }) {
    await begun(writing, id, 1);
    await begun(writing, `${id}-other`, 2);
    same((await read(reading, id, 0))?.events, [event(1)]);
    same(await read(reading, id, 1, { waitMs: briefly }), { events: [], ended: false });
  },

  async "a thread belongs to whoever had it first"({ writing, reading, id }) {
    same(await reading.ownerOf(id), undefined);
    same(await writing.ownThread(id, `${id}-ada`), `${id}-ada`);
    same(await writing.ownThread(id, `${id}-eve`), `${id}-ada`);
    same(await reading.ownerOf(id), `${id}-ada`);
    await writing.ownThread(`${id}-2`, `${id}-ada`);
    same(await reading.threadsOf(`${id}-ada`, 10), [`${id}-2`, id]);
    same(await reading.threadsOf(`${id}-ada`, 1), [`${id}-2`]);
    same(await reading.threadsOf(`${id}-eve`, 10), []);
  },
};

/** About 40 bytes. */
function event(seq: number): StreamEvent {
  return { seq, type: "warning", data: `{"type":"warning","message":"${"x".repeat(10)}"}` };
}

/** One of the same number by somebody else. */
function other(seq: number): StreamEvent {
  return { seq, type: "warning", data: `{"type":"warning","message":"not this"}` };
}

function described(rest: object): object {
  return { owner: "ada", threadId: "thread", ...rest };
}

async function begun(store: TurnStreamStore, id: string, count: number): Promise<void> {
  await store.create(id, { owner: "ada", threadId: "thread" }, limits);
  await store.append(
    id,
    Array.from({ length: count }, (_, index) => event(index + 1)),
  );
}

function read(
  store: TurnStreamStore,
  id: string,
  after: number,
  options: { maxBytes?: number; waitMs?: number } = {},
) {
  const { signal } = new AbortController();
  return store.read(id, after, { maxBytes: 65_536, waitMs: long, signal, ...options });
}

async function readAll(store: TurnStreamStore, id: string, after: number, last: number) {
  const all: StreamEvent[] = [];
  while ((all.at(-1)?.seq ?? after) < last) {
    const page = await read(store, id, all.at(-1)?.seq ?? after);
    all.push(...(page?.events ?? []));
  }
  return all;
}

/** Compares plain values by what JSON makes of them; the order of keys does not count. */
function same(given: unknown, expected: unknown): void {
  const [one, other] = [canonical(given), canonical(expected)];
  if (one !== other) throw new Error(`it gives ${one} in the place of ${other}`);
}

function canonical(value: unknown): string {
  const sorted = (_key: string, each: unknown): unknown =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each;
  return JSON.stringify({ value }, sorted);
}
