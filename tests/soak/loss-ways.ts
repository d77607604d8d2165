import { TransportClosedError, type Codex, type Thread, type Turn } from "../../lib/index.js";
import { Deferred, ignoreRejection } from "../../lib/async/deferred.js";

/** What becomes of what was under way: it died with its process, or goes on. */
export type Loss = "dead" | "back";

interface Stage {
  readonly codex: Codex;
  readonly thread: Thread;
  readonly signal: AbortSignal;
}

/**
 * What may be under way when a server is lost. Each resolves when it is, with what waits until it is
 * over as it should be.
 */
export const lossWays: Readonly<
  Record<string, (stage: Stage) => Promise<(loss: Loss) => Promise<void>>>
> = {
  async "a turn that is waited for"({ thread, signal }) {
    const turn = thread.turn("wait", { signal });
    const result = turn.run();
    result.catch(() => undefined);
    await turn.started;
    return (loss) => expectEnd(turn, loss);
  },

  async "a turn that is read"({ thread, signal }) {
    const turn = thread.turn("wait", { signal });
    const text = turn.textStream();
    await text.next();
    return async (loss) => {
      const rest = async (): Promise<void> => {
        while (!(await text.next()).done);
      };
      await (loss === "back" ? rest() : lost(rest()));
      await expectEnd(turn, loss);
    };
  },

  async "a turn behind another"({ thread, signal }) {
    const first = thread.turn("wait", { signal });
    const second = thread.turn("say", { signal });
    for (const turn of [first, second]) turn.run().catch(() => undefined);
    await first.started;
    return async (loss) => {
      await expectEnd(first, loss);
      await second.run().catch(() => undefined);
    };
  },

  async "an approval"({ thread, signal }) {
    const asked = new Deferred<undefined>();
    const answered = new Deferred<"accept">();
    const onApproval = () => {
      asked.resolve(undefined);
      return answered.promise;
    };
    const turn = thread.turn("approve", { signal, onApproval });
    turn.run().catch(() => undefined);
    await asked.promise;
    return (loss) => {
      answered.resolve("accept");
      return expectEnd(turn, loss);
    };
  },

  async "a request"({ codex }) {
    const answer = ignoreRejection(lost(codex.rpc.config.read({})));
    await codex.rpc.model.list({});
    return () => answer;
  },

  async "a watch"({ codex, signal }) {
    const watch = codex.watch("/nowhere", { signal });
    await watch.ready;
    return () => lost(watch.next());
  },
};

async function expectEnd(turn: Turn, loss: Loss): Promise<void> {
  if (loss === "dead") {
    await lost(turn.run());
    return;
  }
  const { status, finalResponse } = await turn.run();
  if (status !== "completed" || finalResponse !== "That is all.") {
    throw new Error(`it ended otherwise: ${status}`);
  }
}

/** Resolves when it is told that the connection was lost. */
async function lost(promise: Promise<unknown>): Promise<void> {
  const outcome = await promise.then(
    () => "it went on",
    (error: unknown) => error,
  );
  if (!(outcome instanceof TransportClosedError)) {
    throw new Error("the loss was not told", { cause: outcome });
  }
}
