import { check, whole } from "../../../errors/check-values.js";
import type { TurnStreamStore } from "../../../http/index.js";
import { CommandsFullError } from "../../../index.js";
import { checkStorable, encodeId } from "../encode-id.js";
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
import { PostgresConnection } from "./postgres-connection.js";
import { readPostgresOptions, type PostgresFleetStoreOptions } from "./postgres-options.js";
import { PostgresStreamStore } from "./postgres-stream-store.js";
import { fromText, toText } from "./stored-text.js";

/**
 * Keeps what a fleet knows in PostgreSQL 13 or newer, in a schema of its own that it makes itself, also when many
 * processes start at once. It needs the package `pg`, and connects when it is first used: at most `maxConnections` for
 * calls, and one more when something waits for news, however many wait. News come by LISTEN, so the address must be
 * that of PostgreSQL itself, or of a pooler that leaves sessions whole.
 *
 * While PostgreSQL is away, calls reject with a StoreUnavailableError within `callTimeoutMs`; when it is back they work
 * again, and whatever waited looks again.
 *
 * ```ts
 * const store = new PostgresFleetStore({ postgres: "postgres://localhost/app" });
 * const streams = new TurnStreams({ authorize, store: store.streams });
 * ```
 */
export class PostgresFleetStore implements FleetStore {
  readonly streams: TurnStreamStore;
  readonly #streams: PostgresStreamStore;
  readonly #connection: PostgresConnection;
  readonly #keep: ReturnType<typeof readPostgresOptions>["keep"];

  /** @throws InvalidArgumentError */
  constructor(options: PostgresFleetStoreOptions) {
    const { keep, ...rest } = readPostgresOptions(options);
    const connection = new PostgresConnection(rest);
    this.#connection = connection;
    this.#keep = keep;
    this.#streams = new PostgresStreamStore({ connection, keep });
    this.streams = this.#streams;
  }

  streamsAs(writer: string): TurnStreamStore {
    checkStorable("writer", writer);
    return this.#streams.as(writer);
  }

  async joinLine(threadId: string, jobId: string): Promise<void> {
    const job = [encodeId("jobId", jobId), toText(jobId)];
    const args = [encodeId("threadId", threadId), ...job, this.#keep.keepThreadsMs];
    await this.#connection.call("join_line", args);
  }

  async firstInLine(threadId: string): Promise<string | undefined> {
    return textOf(await this.#connection.call("first_in_line", [encodeId("threadId", threadId)]));
  }

  async leaveLine(threadId: string, jobId: string): Promise<string | undefined> {
    const args = [encodeId("threadId", threadId), encodeId("jobId", jobId)];
    return textOf(await this.#connection.call("leave_line", args));
  }

  async mark(jobId: string, mark: SendingMark): Promise<SendingMark> {
    checkStorable("mark.holder", mark.holder);
    const own = toStoredJson("mark", mark);
    const args = [encodeId("jobId", jobId), own, toText(mark.holder), this.#keep.keepJobsMs];
    const given = await this.#connection.call<string>("mark_job", args);
    return fromStoredJson(given ?? own) as SendingMark;
  }

  async markOf(jobId: string): Promise<SendingMark | undefined> {
    const [found] = await this.#connection.query<{ mark: string | null }>(
      "select mark from jobs where id = $1 and expires_at > clock_timestamp()",
      [encodeId("jobId", jobId)],
    );
    const mark = found?.mark ?? undefined;
    return mark === undefined ? undefined : (fromStoredJson(mark) as SendingMark);
  }

  async unmark(jobId: string, holder: string): Promise<boolean> {
    checkStorable("holder", holder);
    const taken = await this.#connection.query(
      `update jobs set mark = null, holder = null
       where id = $1 and holder = $2 and expires_at > clock_timestamp() returning id`,
      [encodeId("jobId", jobId), toText(holder)],
    );
    return taken.length > 0;
  }

  async settleThread(threadId: string, host: string): Promise<string> {
    checkStorable("host", host);
    const thread = [encodeId("threadId", threadId), toText(threadId)];
    const args = [...thread, toText(host), this.#keep.keepThreadsMs];
    return textOf(await this.#connection.call("settle_thread", args)) ?? host;
  }

  async hostOf(threadId: string): Promise<string | undefined> {
    const [found] = await this.#connection.query<{ host: string | null }>(
      "select host from threads where id = $1 and expires_at > clock_timestamp()",
      [encodeId("threadId", threadId)],
    );
    return textOf(found?.host);
  }

  async moveThread(threadId: string, from: string, to: string): Promise<boolean> {
    checkStorable("from", from);
    checkStorable("to", to);
    const moved = await this.#connection.query(
      `update threads set host = $3, expires_at = in_ms($4)
       where id = $1 and host = $2 and expires_at > clock_timestamp() returning id`,
      [encodeId("threadId", threadId), toText(from), toText(to), this.#keep.keepThreadsMs],
    );
    return moved.length > 0;
  }

  async hostIsAlive(host: string, forMs: number): Promise<void> {
    check("forMs", forMs, duration);
    const args = [encodeId("host", host), toText(host), Math.ceil(forMs)];
    await this.#connection.call("host_is_alive", args);
  }

  async hosts(): Promise<readonly string[]> {
    const alive = await this.#connection.query<{ name_text: string }>(
      "select name_text from hosts where alive_until > clock_timestamp() order by alive_until",
      [],
    );
    return alive.map(({ name_text: host }) => fromText(host));
  }

  async send(jobId: string, command: TurnCommand): Promise<number> {
    const channel = this.#connection.channelOf(jobTopic(jobId));
    const seq = await this.#connection.call<number>("send_command", [
      encodeId("jobId", jobId),
      toStoredJson("command", command),
      channel,
      this.#keep.keepJobsMs,
      maxOpenCommands,
    ]);
    if (seq === 0) throw new CommandsFullError(maxOpenCommands);
    return Number(seq);
  }

  async commands(jobId: string, after: number, wait: WaitOptions): Promise<readonly SentCommand[]> {
    check("after", after, whole(0));
    const look = async (): Promise<readonly SentCommand[] | undefined> => {
      const found = await this.#connection.query<{ seq: number; command: string }>(
        `select seq, command from commands join jobs on jobs.id = commands.job
         where job = $1 and seq > $2 and outcome is null and expires_at > clock_timestamp()
         order by seq`,
        [encodeId("jobId", jobId), after],
      );
      if (found.length === 0) return undefined;
      return found.map(({ seq, command }) => ({
        seq,
        command: fromStoredJson(command) as TurnCommand,
      }));
    };
    return (await this.#connection.news.until(jobTopic(jobId), look, wait)) ?? [];
  }

  async settle(jobId: string, seq: number, outcome: CommandOutcome): Promise<void> {
    check("seq", seq, whole(1));
    await this.#connection.call("settle_command", [
      encodeId("jobId", jobId),
      seq,
      toStoredJson("outcome", outcome),
      this.#connection.channelOf(jobTopic(jobId)),
      maxOutcomes,
    ]);
  }

  async outcome(
    jobId: string,
    seq: number,
    wait: WaitOptions,
  ): Promise<CommandOutcome | undefined> {
    check("seq", seq, whole(1));
    const look = async (): Promise<CommandOutcome | undefined> => {
      const [found] = await this.#connection.query<{ outcome: string }>(
        `select outcome from commands join jobs on jobs.id = commands.job
         where job = $1 and seq = $2 and outcome is not null and expires_at > clock_timestamp()`,
        [encodeId("jobId", jobId), seq],
      );
      return found && (fromStoredJson(found.outcome) as CommandOutcome);
    };
    return this.#connection.news.until(jobTopic(jobId), look, wait);
  }

  async note(jobId: string, name: string, value: unknown): Promise<void> {
    const args = [encodeId("jobId", jobId), encodeId("name", name), toStoredJson("value", value)];
    await this.#connection.call("note_on_job", [...args, this.#keep.keepJobsMs]);
  }

  async noteOf(jobId: string, name: string): Promise<unknown> {
    const [found] = await this.#connection.query<{ value: string }>(
      `select value from notes join jobs on jobs.id = notes.job
       where job = $1 and name = $2 and expires_at > clock_timestamp()`,
      [encodeId("jobId", jobId), encodeId("name", name)],
    );
    return found && fromStoredJson(found.value);
  }

  async forgetJob(jobId: string, afterMs: number): Promise<void> {
    check("afterMs", afterMs, duration);
    await this.#connection.query(
      `update jobs set forget_at = in_ms($2), expires_at = in_ms($2)
       where id = $1 and expires_at > clock_timestamp()`,
      [encodeId("jobId", jobId), Math.ceil(afterMs)],
    );
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

function textOf(stored: unknown): string | undefined {
  return typeof stored === "string" ? fromText(stored) : undefined;
}
