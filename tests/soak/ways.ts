import { SlowConsumerError, TurnFailedError, TurnTimeoutError } from "../../lib/index.js";
import type { AppServerClient, Thread, Turn } from "../../lib/index.js";

/** What a turn of the soak has to work with. */
interface Stage {
  readonly client: AppServerClient;
  readonly thread: Thread;
  /** One for all turns, as a server has one that aborts when it stops. */
  readonly signal: AbortSignal;
}

/**
 * The ways in which turns go, and in which callers treat them. Each resolves when its turn is as it
 * should be, and throws when it is not.
 */
export const ways: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  async "waited for"({ thread, signal }) {
    check((await thread.run("say", { signal })).status === "completed");
  },

  async iterated({ thread, signal }) {
    const turn = thread.turn("say", { signal, timeoutMs: 60_000 });
    let last = "";
    for await (const { method } of turn) last = method;
    check(last === "turn/completed");
    await turn.run();
  },

  async "read as text"({ thread, signal }) {
    let text = "";
    for await (const piece of thread.turn("say", { signal }).textStream()) text += piece;
    check(text === "That is all.");
  },

  async "never looked at"({ thread, signal }) {
    await thread.turn("say", { signal }).started;
  },

  async failed({ thread, signal }) {
    await rejects(thread.run("fail", { signal }), TurnFailedError);
  },

  async interrupted({ thread, signal }) {
    const turn = thread.turn("hang", { signal });
    await untilText(turn);
    await turn.interrupt();
    check((await turn.run()).status === "interrupted");
  },

  async "left early"({ thread, signal }) {
    for await (const { method } of thread.turn("hang", { signal })) {
      if (method === "item/agentMessage/delta") break;
    }
  },

  async "left running"({ thread, signal }) {
    // A warning about the thread may come before it.
    for await (const { method } of thread.turn("say", { signal, onBreak: "detach" })) {
      if (method === "turn/started") break;
    }
  },

  async aborted({ thread, signal }) {
    const stop = new AbortController();
    const turn = thread.turn("hang", { signal: AbortSignal.any([signal, stop.signal]) });
    await untilText(turn);
    stop.abort(new Error("enough"));
    await rejects(turn.run(), Error);
  },

  async "aborted at once"({ thread }) {
    const stop = new AbortController();
    const turn = thread.turn("hang", { signal: stop.signal });
    stop.abort(new Error("enough"));
    await rejects(turn.run(), Error);
  },

  async "timed out"({ thread, signal }) {
    await rejects(thread.run("hang", { signal, timeoutMs: 25 }), TurnTimeoutError);
  },

  async "read too slowly"({ thread, signal }) {
    const turn = thread.turn("flood", { signal, maxBacklogBytes: 10_000 });
    const events = turn.stream();
    await events.next();
    check((await turn.run()).status === "completed");
    await rejects(events.next(), SlowConsumerError);
  },

  async "read late"({ thread, signal }) {
    const turn = thread.turn("flood", { signal });
    const events = turn.stream();
    await turn.run();
    let count = 0;
    for await (const event of events) if (event.method !== "turn/started") count += 1;
    check(count > 0);
  },

  async "with an approval"({ thread, signal }) {
    const onApproval = () => "accept" as const;
    check((await thread.run("approve", { signal, onApproval })).status === "completed");
  },

  async "with a refusal"({ thread, signal }) {
    check((await thread.run("approve", { signal })).status === "completed");
  },

  async "with a tool"({ thread, signal }) {
    check((await thread.run("tool", { signal })).status === "completed");
  },

  async "beside others that wait"({ thread, signal }) {
    const turns = ["say", "say", "say"].map((text) => thread.turn(text, { signal }));
    await turns[1]?.interrupt();
    await Promise.all(turns.map((turn) => turn.run()));
  },

  async "beside notifications"({ client, thread, signal }) {
    const off = client.on("turn/completed", () => undefined);
    const all = client.notifications({ signal });
    await thread.run("say", { signal });
    for await (const { method } of all) if (method === "turn/completed") break;
    off();
  },

  async "beside a request that is given up"({ client, thread, signal }) {
    const asked = client.request("thread/read", { threadId: thread.id }, { timeoutMs: 5 });
    await Promise.all([asked.catch(() => undefined), thread.run("say", { signal })]);
  },
};

async function untilText(turn: Turn): Promise<void> {
  const events = turn.stream();
  for (;;) {
    const step = await events.next();
    if (step.done || step.value.method === "item/agentMessage/delta") return;
  }
}

async function rejects(promise: Promise<unknown>, kind: abstract new (...args: never) => Error) {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof kind)) throw new Error(`not the ${kind.name}`, { cause: outcome });
}

function check(holds: boolean): void {
  if (!holds) throw new Error("not as it should be");
}
