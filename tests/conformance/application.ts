import { Deferred } from "../../lib/async/deferred.js";
import type { AppServerClient } from "../../lib/client.js";
import type { ClientRequestMethod } from "../../lib/protocol.js";
import type { Thread } from "../../lib/thread.js";
import type { Turn } from "../../lib/turn.js";
import type { TurnOptions } from "../../lib/options/turn-options.js";
import type { JsonObject } from "../support/scripted-server.js";
import { failureOf } from "./failure-of.js";
import type { Act, Outcome, TurnAct } from "./scenario.js";

/** Does with a client what a scenario says. */
export class Application {
  readonly #client: AppServerClient;
  #thread: Promise<Thread> | undefined;
  #turn: Turn | undefined;
  readonly #requestAnswered = new Deferred<undefined>();

  constructor(client: AppServerClient) {
    this.#client = client;
  }

  /** Never rejects: a failure is an outcome. */
  async perform(acts: readonly Act[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const act of acts) outcomes.push(...(await this.#act(act)));
    return outcomes;
  }

  async #act(act: Act): Promise<Outcome[]> {
    if ("atOnce" in act) {
      return (await Promise.all(act.atOnce.map((each) => this.#act(each)))).flat();
    }
    try {
      return [await this.#perform(act)];
    } catch (error) {
      return [{ error: failureOf(error) }];
    }
  }

  async #perform(act: Exclude<Act, { atOnce: unknown }>): Promise<Outcome> {
    if ("turn" in act) return this.#runTurn(act);
    if ("runAgain" in act) {
      if (!this.#turn) throw new TypeError("no turn was started");
      return collect(this.#turn);
    }
    if ("request" in act) {
      const { request, params = {}, timeoutMs } = act;
      const method = request as ClientRequestMethod;
      const result = await this.#client.request(method, expanded(params), { timeoutMs });
      this.#requestAnswered.resolve(undefined);
      return { result: result as never };
    }
    if ("startThread" in act) {
      const { id } = await this.#client.startThread();
      return { result: id };
    }
    if ("resumeThread" in act) {
      const { id } = await this.#client.resumeThread(act.resumeThread);
      return { result: id };
    }
    if ("close" in act) await this.#client.close();
    const { kind, exitCode, signal } = await this.#client.closed;
    return { kind, exitCode, signal };
  }

  async #runTurn({
    turn: input,
    abort,
    readsOn,
    timeoutMs,
    idleTimeoutMs,
  }: TurnAct): Promise<Outcome> {
    this.#thread ??= this.#client.startThread();
    const thread = await this.#thread;
    const controller = new AbortController();
    if (abort === "at once") controller.abort();
    const options: TurnOptions & { idleTimeoutMs?: number | undefined } = {
      ...(abort === undefined ? {} : { signal: controller.signal }),
      timeoutMs,
      ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    };
    const turn = thread.turn(input, options);
    this.#turn = turn;
    if (abort === "once it is accepted") {
      void turn.started.then(
        () => {
          controller.abort();
        },
        () => undefined,
      );
    }
    const goOn = readsOn === undefined ? Promise.resolve() : this.#requestAnswered.promise;
    const seen = await readEvents(turn, goOn);
    try {
      return { ...seen, ...(await collect(turn)) };
    } catch (error) {
      return { ...seen, error: failureOf(error) };
    }
  }
}

async function collect(turn: Turn): Promise<Outcome> {
  const { status, finalResponse, items } = await turn.run();
  return { status, finalResponse: shortened(finalResponse), items: items.map(({ type }) => type) };
}

/** Scripts and acts have `{ repeatText, times }` for a long text. */
function expanded(params: JsonObject): JsonObject {
  const entries = Object.entries(params).map(([key, value]) => {
    const { repeatText, times } = (value ?? {}) as { repeatText?: string; times?: number };
    return [key, repeatText === undefined ? value : repeatText.repeat(times ?? 1)] as const;
  });
  return Object.fromEntries(entries);
}

async function readEvents(turn: Turn, goOn: Promise<unknown>): Promise<Outcome> {
  const events: string[] = [];
  const texts: string[] = [];
  let ends = 0;
  try {
    for await (const { method, params } of turn) {
      if (events.at(-1) !== method) events.push(method);
      if (method === "turn/completed") ends += 1;
      if (method === "item/agentMessage/delta" && typeof params.delta === "string") {
        texts.push(params.delta);
      }
      await goOn;
    }
  } catch {
    // `run()` tells it, too.
  }
  return { events, ends, text: shortened(texts.join("")) };
}

/** A report is for reading, and some scenarios are about very long texts. */
function shortened<Text extends string | null>(text: Text): Text | string {
  if (text === null || text.length <= 200) return text;
  return `${text.slice(0, 10)}… (${text.length} characters)`;
}
