import { setTimeout } from "node:timers/promises";
import { isAppServerError } from "../../../lib/index.js";
import { TurnQueue, type FleetStore, type TurnJob } from "../../../lib/fleet/index.js";
import { readTurn, type TurnPart } from "../../../lib/browser/index.js";
import { reply } from "../../../lib/testing/index.js";
import { ListeningServer } from "../../support/listening-server.js";
import { RealStage } from "../../support/real.js";
import { freePort } from "../../support/free-port.js";
import { FleetChild } from "./child.js";
import { fleetOptions, startDatabase, type DatabaseKind } from "../../support/fleet-database.js";

export interface KillRunOptions {
  /** Where the fleet keeps everything (default `"redis"`). */
  readonly database?: DatabaseKind;
  readonly turns: number;
  readonly threads: number;
  /** Between two kills (ms). */
  readonly killEveryMs: number;
  /** How many kills there are at most, in turn of each kind. */
  readonly kills: number;
  readonly lockDuration: number;
  readonly say?: (line: string) => void;
}

export const killKinds = ["worker", "worker stopped", "app-server", "web", "database"] as const;
export type KillKind = (typeof killKinds)[number];

export interface KillRunReport {
  readonly turns: number;
  readonly seconds: number;
  readonly kills: Readonly<Record<KillKind, number>>;
  /** How many jobs ended in each way: `completed`, `interrupted`, or the code of their error. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Turns that the model saw begin more than once. */
  readonly startedTwice: readonly string[];
  /** Turns that the model saw before an older one of the same thread. */
  readonly outOfOrder: readonly string[];
  /** Jobs that completed and that the model never saw. */
  readonly neverRan: readonly string[];
  /** Viewers that missed an event, or got one twice. */
  readonly badViewers: readonly string[];
  /** Of the failed and the unknown: how many the model had seen. */
  readonly seenOfFailed: number;
}

const never = new AbortController().signal;

/** Runs turns on two workers, two servers, two web processes and one database, and kills each kind again and again. */
export async function killRun(options: KillRunOptions): Promise<KillRunReport> {
  const { turns, threads, lockDuration, say = () => undefined } = options;
  const { database: kind = "redis" } = options;
  await using database = await startDatabase(kind);
  const place = { kind, url: database.url };
  await using one = await RealStage.open();
  await using two = await RealStage.open();
  const stages = [one, two];
  await using first = await ListeningServer.start(one);
  await using second = await ListeningServer.start(two);
  const servers = [first, second];
  const seen: { readonly thread: string; readonly text: string }[] = [];
  for (const { model } of stages) {
    model.respond(({ lastUserText, threadId = "" }) => {
      seen.push({ thread: threadId, text: lastUserText });
      return reply.text(["You ", "said ", `${lastUserText}.`], { delayMs: 60 });
    });
  }
  const shared = {
    database: place,
    servers: servers.map(({ url }) => url),
    concurrency: 6,
    lockDuration,
  };
  const ports = [await freePort(), await freePort()];
  const workers = [0, 1].map(() => new FleetChild({ ...shared, role: "worker", port: 0 }));
  const webs = ports.map((port) => new FleetChild({ ...shared, role: "web", port }));
  const children = [...workers, ...webs];
  const reached = fleetOptions(place);
  const { store } = reached;
  const queue = new TurnQueue({ ...reached, onError: () => undefined });
  const began = performance.now();
  try {
    await Promise.all(children.map((child) => child.start()));
    say("the fleet runs");
    const added = new Map<string, { readonly job: TurnJob; readonly at: number }>();
    const views = new Map<string, Promise<readonly TurnPart[]>>();
    const add = async (text: string, owner: string, place: object): Promise<TurnJob> => {
      const job = await persistently(() =>
        queue.add({ ...place, input: text, owner, idempotencyKey: text }),
      );
      added.set(text, { job, at: added.size });
      const port = ports[added.size % ports.length] ?? 0;
      views.set(text, view(`http://127.0.0.1:${port}/${job.id}`));
      return job;
    };
    const ids = await Promise.all(
      Array.from({ length: threads }, async (_, index) => {
        const owner = String(index % stages.length);
        const cwd = stages[index % stages.length]?.project;
        const job = await add(`${index}.0`, owner, { newThread: { cwd } });
        return job.threadId();
      }),
    );
    say(`${threads} threads`);
    const over = new AbortController();
    const killing = killAll(options, { workers, webs, servers, database }, over.signal);
    for (let turn = threads; turn < turns; turn += 1) {
      const index = turn % threads;
      const text = `${index}.${Math.floor(turn / threads)}`;
      await add(text, String(index % stages.length), { thread: ids[index] });
    }
    say(`${turns} turns were added`);
    const outcomes: Record<string, number> = {};
    const completed: string[] = [];
    let seenOfFailed = 0;
    let done = 0;
    await Promise.all(
      [...added].map(async ([text, { job }]) => {
        const outcome = await job.result().then(
          ({ status }): string => status,
          (error: unknown) => nameOf(error),
        );
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        if (outcome === "completed") completed.push(text);
        else if (seen.some((each) => each.text === text)) seenOfFailed += 1;
        done += 1;
        if (done % 50 === 0) say(`${done} of ${turns} jobs are over`);
      }),
    );
    over.abort();
    const kills = await killing;
    const seconds = (performance.now() - began) / 1_000;
    const badViewers: string[] = [];
    for (const [text, { job }] of added) {
      const shown = await views.get(text);
      const kept = await partsOf(store, job.id);
      if (JSON.stringify(shown) !== JSON.stringify(kept)) badViewers.push(text);
    }
    const texts = seen.map(({ text }) => text);
    return {
      turns,
      seconds,
      kills,
      outcomes,
      startedTwice: texts.filter((text, index) => texts.indexOf(text) !== index),
      outOfOrder: outOfOrder(seen),
      neverRan: completed.filter((text) => !texts.includes(text)),
      badViewers,
      seenOfFailed,
    };
  } finally {
    await Promise.all(children.map((child) => child.kill()));
    await queue.close();
    await store.close();
  }
}

interface Killed {
  readonly workers: readonly FleetChild[];
  readonly webs: readonly FleetChild[];
  readonly servers: readonly ListeningServer[];
  readonly database: { kill(): Promise<void>; restart(): Promise<void> };
}

/** Kills one after the other, each when the one before is back, until the signal aborts. */
async function killAll(
  { kills: most, killEveryMs, lockDuration, say = () => undefined }: KillRunOptions,
  { workers, webs, servers, database }: Killed,
  signal: AbortSignal,
): Promise<Record<KillKind, number>> {
  const done = { worker: 0, "worker stopped": 0, "app-server": 0, web: 0, database: 0 };
  for (let count = 0; count < most && !signal.aborted; count += 1) {
    await setTimeout(killEveryMs, undefined, { signal }).catch(() => undefined);
    const isOver = (): boolean => signal.aborted;
    if (isOver()) break;
    const kind = killKinds[count % killKinds.length] ?? "worker";
    const round = Math.floor(count / killKinds.length);
    say(`kill ${count + 1}: ${kind}`);
    if (kind === "database") {
      await database.kill();
      await setTimeout(500);
      await database.restart();
    } else if (kind === "app-server") {
      await servers[round % servers.length]?.restart();
    } else if (kind === "worker stopped") {
      const worker = workers[(round + 1) % workers.length];
      worker?.signal("SIGSTOP");
      await setTimeout(2.5 * lockDuration);
      worker?.signal("SIGCONT");
    } else {
      const group = kind === "web" ? webs : workers;
      const child = group[round % group.length];
      await child?.kill();
      await child?.start();
    }
    done[kind] += 1;
  }
  return done;
}

/** What a viewer gets that comes back whenever it is cut off. */
async function view(url: string): Promise<readonly TurnPart[]> {
  const parts: TurnPart[] = [];
  let lastEventId = "";
  for (;;) {
    const reading = readTurn(url, { lastEventId });
    try {
      for await (const part of reading) {
        parts.push(part);
        lastEventId = reading.lastEventId;
        if (part.type === "end" && !part.origin) return parts;
      }
      return parts;
    } catch {
      // The job has not begun, or the database is away: it is told so with a status, and comes again.
      lastEventId = reading.lastEventId === "" ? lastEventId : reading.lastEventId;
      await setTimeout(250);
    }
  }
}

async function partsOf(store: FleetStore, id: string): Promise<readonly TurnPart[]> {
  const parts: TurnPart[] = [];
  let last = 0;
  for (;;) {
    const how = { maxBytes: 1_000_000, waitMs: 0, signal: never };
    const page = await store.streams.read(id, last, how);
    if (!page || page.events.length === 0) return parts;
    for (const { seq, data } of page.events) {
      parts.push(JSON.parse(data) as TurnPart);
      last = seq;
    }
  }
}

/** While the database is away, adding rejects; the key makes sure that trying again adds nothing twice. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (isAppServerError(error) && error.code === "INVALID_ARGUMENT") throw error;
      await setTimeout(200);
    }
  }
}

function nameOf(error: unknown): string {
  if (!isAppServerError(error)) return String(error);
  const { failureCode } = error as { readonly failureCode?: string };
  return failureCode ?? error.code;
}

function outOfOrder(seen: readonly { readonly thread: string; readonly text: string }[]): string[] {
  const newest = new Map<string, number>();
  return seen.flatMap(({ thread, text }) => {
    const number = Number(text.split(".")[1]);
    const isLate = number < (newest.get(thread) ?? -1);
    newest.set(thread, Math.max(number, newest.get(thread) ?? -1));
    return isLate ? [text] : [];
  });
}
