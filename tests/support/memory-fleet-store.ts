import { setTimeout } from "node:timers/promises";
import { MemoryStreamStore, type TurnStreamStore } from "../../lib/http/index.js";
import { StreamTakenError } from "../../lib/errors/store-errors.js";
import type {
  CommandOutcome,
  FleetStore,
  SendingMark,
  SentCommand,
  TurnCommand,
  WaitOptions,
} from "../../lib/fleet/store/fleet-store.js";

/** What the machines of a fleet know together, when all of them are this process. */
export class MemoryFleetStore implements FleetStore {
  readonly streams: TurnStreamStore = new MemoryStreamStore();
  readonly #writers = new Map<string, string>();
  readonly #lines = new Map<string, string[]>();
  readonly #marks = new Map<string, SendingMark>();
  readonly #lies = new Map<string, string>();
  readonly #alive = new Map<string, number>();
  readonly #commands = new Map<string, SentCommand[]>();
  readonly #outcomes = new Map<string, CommandOutcome>();
  readonly #notes = new Map<string, string>();

  streamsAs(writer: string): TurnStreamStore {
    const { streams } = this;
    const checked = async (id: string, write: () => Promise<void>): Promise<void> => {
      if (this.#writers.get(id) !== writer) throw new StreamTakenError();
      await write();
    };
    return {
      create: async (id, facts, limits) => {
        this.#writers.set(id, writer);
        if (!(await streams.find(id))) await streams.create(id, facts, limits);
      },
      nameTurn: (id, turnId) => checked(id, () => streams.nameTurn(id, turnId)),
      append: (id, events) =>
        checked(id, async () => {
          const last = (await streams.find(id))?.last ?? 0;
          await streams.append(
            id,
            events.filter(({ seq }) => seq > last),
          );
        }),
      end: (id) => checked(id, () => streams.end(id)),
      find: (id) => streams.find(id),
      read: (id, after, options) => streams.read(id, after, options),
      ownThread: (threadId, owner) => streams.ownThread(threadId, owner),
      ownerOf: (threadId) => streams.ownerOf(threadId),
      threadsOf: (owner, limit) => streams.threadsOf(owner, limit),
      close: () => Promise.resolve(),
    };
  }

  joinLine(threadId: string, jobId: string): Promise<void> {
    const line = this.#lines.get(threadId) ?? [];
    if (!line.includes(jobId)) line.push(jobId);
    this.#lines.set(threadId, line);
    return Promise.resolve();
  }

  firstInLine(threadId: string): Promise<string | undefined> {
    return Promise.resolve(this.#lines.get(threadId)?.[0]);
  }

  leaveLine(threadId: string, jobId: string): Promise<string | undefined> {
    const line = (this.#lines.get(threadId) ?? []).filter((id) => id !== jobId);
    this.#lines.set(threadId, line);
    return Promise.resolve(line[0]);
  }

  mark(jobId: string, mark: SendingMark): Promise<SendingMark> {
    const counting = this.#marks.get(jobId) ?? mark;
    this.#marks.set(jobId, counting);
    return Promise.resolve(counting);
  }

  markOf(jobId: string): Promise<SendingMark | undefined> {
    return Promise.resolve(this.#marks.get(jobId));
  }

  unmark(jobId: string, holder: string): Promise<boolean> {
    if (this.#marks.get(jobId)?.holder !== holder) return Promise.resolve(false);
    return Promise.resolve(this.#marks.delete(jobId));
  }

  settleThread(threadId: string, host: string): Promise<string> {
    const counting = this.#lies.get(threadId) ?? host;
    this.#lies.set(threadId, counting);
    return Promise.resolve(counting);
  }

  hostOf(threadId: string): Promise<string | undefined> {
    return Promise.resolve(this.#lies.get(threadId));
  }

  moveThread(threadId: string, from: string, to: string): Promise<boolean> {
    if (this.#lies.get(threadId) !== from) return Promise.resolve(false);
    this.#lies.set(threadId, to);
    return Promise.resolve(true);
  }

  hostIsAlive(host: string, forMs: number): Promise<void> {
    this.#alive.set(host, performance.now() + forMs);
    return Promise.resolve();
  }

  hosts(): Promise<readonly string[]> {
    const now = performance.now();
    return Promise.resolve([...this.#alive].flatMap(([host, until]) => (until > now ? host : [])));
  }

  send(jobId: string, command: TurnCommand): Promise<number> {
    const sent = this.#commands.get(jobId) ?? [];
    const seq = sent.length + 1;
    sent.push({ seq, command });
    this.#commands.set(jobId, sent);
    return Promise.resolve(seq);
  }

  async commands(jobId: string, after: number, wait: WaitOptions): Promise<readonly SentCommand[]> {
    const open = (): SentCommand[] | undefined => {
      const all = this.#commands.get(jobId) ?? [];
      const news = all.filter(({ seq }) => seq > after && !this.#outcomes.has(`${jobId} ${seq}`));
      return news.length > 0 ? news : undefined;
    };
    return (await until(open, wait)) ?? [];
  }

  settle(jobId: string, seq: number, outcome: CommandOutcome): Promise<void> {
    const key = `${jobId} ${seq}`;
    if (!this.#outcomes.has(key)) this.#outcomes.set(key, outcome);
    return Promise.resolve();
  }

  outcome(jobId: string, seq: number, wait: WaitOptions): Promise<CommandOutcome | undefined> {
    return until(() => this.#outcomes.get(`${jobId} ${seq}`), wait);
  }

  note(jobId: string, name: string, value: unknown): Promise<void> {
    this.#notes.set(`${jobId} ${name}`, JSON.stringify(value));
    return Promise.resolve();
  }

  noteOf(jobId: string, name: string): Promise<unknown> {
    const json = this.#notes.get(`${jobId} ${name}`);
    return Promise.resolve(json === undefined ? undefined : JSON.parse(json));
  }

  forgetJob(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.streams.close();
  }
}

async function until<T>(
  look: () => T | undefined,
  { waitMs, signal }: WaitOptions,
): Promise<T | undefined> {
  const end = performance.now() + waitMs;
  for (;;) {
    const found = look();
    if (found !== undefined || signal.aborted || performance.now() >= end) return found;
    await setTimeout(10);
  }
}
