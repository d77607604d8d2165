import { check, whole } from "../../../errors/check-values.js";
import { CommandsFullError } from "../../../index.js";
import type { TurnStreamStore } from "../../../http/index.js";
import { checkStorable } from "../encode-id.js";
import type {
  CommandOutcome,
  FleetStore,
  SendingMark,
  SentCommand,
  TurnCommand,
  WaitOptions,
} from "../fleet-store.js";
import { duration, maxOpenCommands, maxOutcomes } from "../limits.js";
import { fromStoredJson, toStoredJson } from "../stored-json.js";
import { jobTopic } from "../topics.js";
import * as jobs from "./job-scripts.js";
import { RedisConnection } from "./redis-connection.js";
import { RedisKeys } from "./redis-keys.js";
import { readRedisOptions, type RedisFleetStoreOptions } from "./redis-options.js";
import { RedisStreamStore } from "./redis-stream-store.js";
import * as threads from "./thread-scripts.js";
import { textAt } from "./stream-scripts.js";

/**
 * Keeps what a fleet knows in Redis 6.2 or newer, be it one server, one behind Sentinel, or a Cluster. It needs the
 * package `ioredis`, and connects when it is first used: one connection for calls, and one more when something waits
 * for news, however many wait.
 *
 * While Redis is away, calls reject with a StoreUnavailableError within `callTimeoutMs`; when it is back they work again,
 * and whatever waited looks again. Redis must not evict keys (`maxmemory-policy noeviction`), and must write them to its
 * disk (`appendonly yes`) if marks are to outlive it.
 *
 * ```ts
 * const store = new RedisFleetStore({ redis: "redis://localhost:6379" });
 * const streams = new TurnStreams({ authorize, store: store.streams });
 * ```
 */
export class RedisFleetStore implements FleetStore {
  readonly streams: TurnStreamStore;
  readonly #streams: RedisStreamStore;
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #keep: ReturnType<typeof readRedisOptions>["keep"];

  /** @throws InvalidArgumentError */
  constructor(options: RedisFleetStoreOptions) {
    const { target, prefix, callTimeoutMs, keep } = readRedisOptions(options);
    const keys = new RedisKeys(prefix);
    const { channelPrefix } = keys;
    const connection = new RedisConnection({ target, callTimeoutMs, channelPrefix });
    this.#connection = connection;
    this.#keys = keys;
    this.#keep = keep;
    this.#streams = new RedisStreamStore({ connection, keys, keep });
    this.streams = this.#streams;
  }

  streamsAs(writer: string): TurnStreamStore {
    checkStorable("writer", writer);
    return this.#streams.as(writer);
  }

  async joinLine(threadId: string, jobId: string): Promise<void> {
    checkStorable("jobId", jobId);
    const key = this.#keys.thread(threadId, "line");
    await this.#connection.run(threads.joinLine, [key], [jobId, this.#keep.keepThreadsMs]);
  }

  async firstInLine(threadId: string): Promise<string | undefined> {
    const key = this.#keys.thread(threadId, "line");
    return textOf(await this.#connection.run(threads.firstInLine, [key], []));
  }

  async leaveLine(threadId: string, jobId: string): Promise<string | undefined> {
    checkStorable("jobId", jobId);
    const key = this.#keys.thread(threadId, "line");
    return textOf(await this.#connection.run(threads.leaveLine, [key], [jobId]));
  }

  async mark(jobId: string, mark: SendingMark): Promise<SendingMark> {
    checkStorable("mark.holder", mark.holder);
    const args = [toStoredJson("mark", mark), mark.holder, this.#keep.keepJobsMs];
    const given = await this.#connection.run(jobs.markJob, [this.#keys.job(jobId)], args);
    return fromStoredJson(String(given)) as SendingMark;
  }

  async markOf(jobId: string): Promise<SendingMark | undefined> {
    const mark = await this.#fieldOf(jobId, "mark");
    return mark === undefined ? undefined : (fromStoredJson(mark) as SendingMark);
  }

  async unmark(jobId: string, holder: string): Promise<boolean> {
    checkStorable("holder", holder);
    return (await this.#connection.run(jobs.unmarkJob, [this.#keys.job(jobId)], [holder])) === 1;
  }

  async settleThread(threadId: string, host: string): Promise<string> {
    checkStorable("host", host);
    const key = this.#keys.thread(threadId, "host");
    const args = [host, this.#keep.keepThreadsMs];
    return String(await this.#connection.run(threads.settleThread, [key], args));
  }

  async hostOf(threadId: string): Promise<string | undefined> {
    return textOf(await this.#connection.run(textAt, [this.#keys.thread(threadId, "host")], []));
  }

  async moveThread(threadId: string, from: string, to: string): Promise<boolean> {
    checkStorable("from", from);
    checkStorable("to", to);
    const key = this.#keys.thread(threadId, "host");
    const args = [from, to, this.#keep.keepThreadsMs];
    return (await this.#connection.run(threads.moveThread, [key], args)) === 1;
  }

  async hostIsAlive(host: string, forMs: number): Promise<void> {
    checkStorable("host", host);
    check("forMs", forMs, duration);
    await this.#connection.run(threads.hostIsAlive, [this.#keys.hosts()], [host, Math.ceil(forMs)]);
  }

  async hosts(): Promise<readonly string[]> {
    return (await this.#connection.run(threads.hostsAlive, [this.#keys.hosts()], [])) as string[];
  }

  async send(jobId: string, command: TurnCommand): Promise<number> {
    const { keepJobsMs } = this.#keep;
    const channel = this.#keys.channel(jobTopic(jobId));
    const args = [toStoredJson("command", command), channel, keepJobsMs, maxOpenCommands];
    const seq = await this.#connection.run(jobs.sendCommand, [this.#keys.job(jobId)], args);
    if (seq === 0) throw new CommandsFullError(maxOpenCommands);
    return Number(seq);
  }

  async commands(jobId: string, after: number, wait: WaitOptions): Promise<readonly SentCommand[]> {
    check("after", after, whole(0));
    const look = async (): Promise<readonly SentCommand[] | undefined> => {
      const found = await this.#connection.run(jobs.openCommands, [this.#keys.job(jobId)], [after]);
      const commands = commandsOf(found as readonly (number | string)[]);
      return commands.length > 0 ? commands : undefined;
    };
    return (await this.#connection.news.until(jobTopic(jobId), look, wait)) ?? [];
  }

  async settle(jobId: string, seq: number, outcome: CommandOutcome): Promise<void> {
    check("seq", seq, whole(1));
    const channel = this.#keys.channel(jobTopic(jobId));
    const args = [seq, toStoredJson("outcome", outcome), channel, maxOutcomes];
    await this.#connection.run(jobs.settleCommand, [this.#keys.job(jobId)], args);
  }

  outcome(jobId: string, seq: number, wait: WaitOptions): Promise<CommandOutcome | undefined> {
    check("seq", seq, whole(1));
    const look = async (): Promise<CommandOutcome | undefined> => {
      const found = await this.#fieldOf(jobId, `o${seq}`);
      return found === undefined ? undefined : (fromStoredJson(found) as CommandOutcome);
    };
    return this.#connection.news.until(jobTopic(jobId), look, wait);
  }

  async note(jobId: string, name: string, value: unknown): Promise<void> {
    checkStorable("name", name);
    const args = [`n:${name}`, toStoredJson("value", value), this.#keep.keepJobsMs];
    await this.#connection.run(jobs.noteOnJob, [this.#keys.job(jobId)], args);
  }

  async noteOf(jobId: string, name: string): Promise<unknown> {
    checkStorable("name", name);
    const note = await this.#fieldOf(jobId, `n:${name}`);
    return note === undefined ? undefined : fromStoredJson(note);
  }

  async forgetJob(jobId: string, afterMs: number): Promise<void> {
    check("afterMs", afterMs, duration);
    await this.#connection.run(jobs.forgetJob, [this.#keys.job(jobId)], [Math.ceil(afterMs)]);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #fieldOf(jobId: string, field: string): Promise<string | undefined> {
    return textOf(await this.#connection.run(jobs.fieldOfJob, [this.#keys.job(jobId)], [field]));
  }
}

function commandsOf(found: readonly (number | string)[]): SentCommand[] {
  const commands: SentCommand[] = [];
  for (let index = 0; index < found.length; index += 2) {
    const command = fromStoredJson(String(found[index + 1])) as TurnCommand;
    commands.push({ seq: Number(found[index]), command });
  }
  return commands;
}

function textOf(reply: unknown): string | undefined {
  return typeof reply === "string" ? reply : undefined;
}
