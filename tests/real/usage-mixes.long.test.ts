import { afterEach, beforeEach, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { Budget, costOf, type Prices, type Thread, type Turn } from "../../lib/index.js";
import { reply, type ModelRequest, type Reply, type ReplyPart } from "../../lib/testing/index.js";
import { Deferred } from "../../lib/async/deferred.js";
import { next, RealStage } from "../support/real.js";
import { UsageReader } from "../support/usage-reader.js";

let stage: RealStage;

beforeEach(async () => {
  stage = await RealStage.open();
});
afterEach(() => stage.close());

type Answer = (request: ModelRequest) => Reply;

const prices: Prices = { "mock-model": { input: 1e6, output: 3e6 } };

const step = fc.record({
  kind: fc.constantFrom(
    ...["answer", "works", "fails", "compact", "fork", "review", "goal"],
    ...["agent", "late agent", "goal with an agent", "killed", "killed in mid-turn"],
  ),
  /** Which of the threads that there are by then. */
  thread: fc.nat(),
});

test("whatever turns do, the records and the budget have what the model says that it used", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 8 }), async (steps) => {
      const mix = new Mix();
      for (const { kind, thread } of steps) await mix.run(kind, thread);
      await mix.check();
    }),
    { numRuns: 3, endOnFailure: true },
  );
}, 300_000);

/** A client whose turns do this and that, and what the model has told of tokens. */
class Mix {
  readonly #budget = new Budget({ tokens: 1e9, cost: 1e12, prices });
  readonly #codex = stage.codex({ budget: this.#budget });
  readonly #reader = new UsageReader(this.#codex);
  readonly #threads: Thread[] = [];
  /** What the model answers on each thread, in order. */
  readonly #answers = new Map<string, Answer[]>();
  readonly #ends = new Map<string, Deferred<void>>();
  #number = 0;
  #told = 0;

  constructor() {
    this.#codex.on("turn/completed", ({ params }) => {
      this.#ended(params.threadId).resolve();
    });
    stage.model.respond((request) => {
      // Of which the server tells nothing.
      if (request.subagent === "review") return reply.text("Fine.");
      if (request.parentThreadId !== undefined) return [reply.text("The agent's."), this.#used()];
      const [answer] = this.#answers.get(request.threadId ?? "")?.splice(0, 1) ?? [];
      // It is asked once more when an agent ends.
      return answer ? answer(request) : [reply.text("And more."), this.#used()];
    });
  }

  async run(kind: string, choice: number): Promise<void> {
    const text = (): Reply => [reply.text("Done."), this.#used()];
    if (this.#threads.length === 0) {
      const first = await this.#codex.startThread();
      this.#threads.push(first);
      await this.#turn(first, text);
    }
    const thread = this.#threads[choice % this.#threads.length] as Thread;
    const works = (): Reply => [reply.shell("echo hi"), this.#used()];
    const spawns = (): Reply => [reply.spawnAgent("Look into it."), this.#used()];
    const waits: Answer = ({ toolOutputs }) => {
      const { agent_id: id } = JSON.parse(toolOutputs.at(-1)?.output ?? "{}") as {
        agent_id: string;
      };
      return [reply.waitAgent([id]), this.#used()];
    };
    const completes = (): Reply => [reply.updateGoal("complete"), this.#used()];
    switch (kind) {
      case "answer":
        await this.#turn(thread, text);
        return;
      case "works":
        await this.#turn(thread, works, text);
        return;
      case "fails":
        await this.#turn(thread, works, () => reply.failed("invalid_prompt"));
        return;
      case "agent":
        await this.#turn(thread, spawns, waits, text);
        return;
      case "late agent": {
        const turn = await this.#turn(thread, spawns, text);
        for (const { threadId } of turn.subagents()) await this.#ended(threadId).promise;
        return;
      }
      case "compact":
        this.#answer(thread, text);
        await thread.compact().run();
        return;
      case "fork": {
        const copy = await thread.fork();
        this.#threads.push(copy);
        await this.#turn(copy, text);
        return;
      }
      case "review":
        await thread.review({ type: "custom", instructions: "Look at it." }).run();
        return;
      case "goal":
        this.#answer(thread, text, completes, text);
        await thread.runGoal("Get there").run();
        return;
      case "goal with an agent":
        this.#answer(thread, spawns, waits, text, completes, text);
        await thread.runGoal("Get there").run();
        return;
      case "killed in mid-turn": {
        const gate = reply.hold();
        this.#answer(thread, works, () => reply.text(["Half", gate, " of it."]));
        const isTold = next(await this.#codex.client(), "thread/tokenUsage/updated");
        const turn = thread.turn("Go");
        const gone = expect(turn.run()).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
        await Promise.all([gate.reached, isTold]);
        await this.#kill();
        gate.release();
        return gone;
      }
      default:
        return this.#kill();
    }
  }

  async check(): Promise<void> {
    await this.#codex.close();
    const newest = new Map((await this.#reader.rest()).map((record) => [record.turnId, record]));
    const byModel = [...newest.values()].flatMap((record) => record.byModel);
    const tokens = byModel.reduce((sum, one) => sum + one.tokens.total, 0);
    expect(tokens).toBe(this.#told);
    expect(this.#budget.spent).toEqual({ tokens, cost: costOf({ byModel }, prices) });
  }

  #answer(thread: Thread, ...answers: Answer[]): void {
    this.#answers.set(thread.id, answers);
  }

  async #turn(thread: Thread, ...answers: Answer[]): Promise<Turn> {
    this.#answer(thread, ...answers);
    const turn = thread.turn("Go");
    await turn.run({ throwOnFailure: false });
    return turn;
  }

  #used(): ReplyPart {
    this.#number += 1;
    const inputTokens = 1_000 * this.#number;
    this.#told += inputTokens + this.#number;
    return reply.usage({ inputTokens, outputTokens: this.#number });
  }

  /** Resolves when a turn has ended on the thread. */
  #ended(threadId: string): Deferred<void> {
    const ended = this.#ends.get(threadId) ?? new Deferred();
    this.#ends.set(threadId, ended);
    return ended;
  }

  async #kill(): Promise<void> {
    const client = await this.#codex.client();
    for (const pid of await stage.processes()) process.kill(pid, "SIGKILL");
    await client.closed;
  }
}
