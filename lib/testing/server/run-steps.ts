import { fillIn } from "./fill-in.js";
import { toLine, type ReceivedMessage } from "./message.js";
import type { Step } from "./script.js";
import type { ServerConnection } from "./server-connection.js";

/** The message that the steps react to, and where in a repetition they are. */
export interface StepContext extends ReceivedMessage {
  readonly count?: number;
  readonly index?: number;
}

type Write = (bytes: Buffer) => Promise<void> | void;
type Keys<S> = S extends unknown ? keyof S : never;
type StepName = Exclude<
  Keys<Step>,
  "to" | "params" | "emittedAtMs" | "chunk" | "steps" | "count" | "times" | "id"
>;
type StepOf<N extends StepName> = Extract<Step, Readonly<Record<N, unknown>>>;
type Actions = {
  readonly [N in StepName]: (
    step: StepOf<N>,
    run: { readonly context: StepContext; readonly on: ServerConnection; readonly write: Write },
  ) => unknown;
};

/** Does the steps one after the other, each when the one before is done. */
export async function runSteps(
  steps: readonly Step[],
  context: StepContext,
  on: ServerConnection,
): Promise<void> {
  for (const step of steps) await perform(step, context, on, (bytes) => on.write(bytes));
}

async function perform(
  raw: Step,
  context: StepContext,
  on: ServerConnection,
  write: Write,
): Promise<void> {
  const step = "steps" in raw || "together" in raw ? raw : (fillIn(raw, context) as Step);
  const name = Object.keys(step).find((key) => Object.hasOwn(actions, key)) as StepName | undefined;
  if (!name) throw new Error(`A step is unknown: ${Object.keys(step).join(", ")}`);
  const act = actions[name] as Actions["send"];
  await act(step as StepOf<"send">, { context, on, write });
}

const atMs = 1_767_225_600_000;

const actions: Actions = {
  respond: ({ respond, to }, run) => answer({ result: respond }, to, run),
  refuse: ({ refuse, to }, run) => answer({ error: refuse }, to, run),
  notify: ({ notify, params, emittedAtMs = atMs }, { write }) =>
    write(line({ method: notify, params, emittedAtMs })),
  ask: ({ ask, id, params }, { write }) => write(line({ id, method: ask, params })),
  send: ({ send }, { write }) => write(line(send)),
  line: (step, { write }) => write(Buffer.from(`${step.line}\n`)),
  bytes: ({ bytes, chunk }, { write }) => writeCut(Buffer.from(bytes, "base64"), chunk, write),
  async together({ together, chunk }, { context, on, write }) {
    const parts: Buffer[] = [];
    for (const step of together) {
      await perform(step, context, on, (part) => {
        parts.push(part);
      });
    }
    await writeCut(Buffer.concat(parts), chunk, write);
  },
  async repeat({ repeat, steps }, { context, on, write }) {
    for (let index = 0; index < repeat; index += 1) {
      for (const step of steps) await perform(step, { ...context, index }, on, write);
    }
  },
  waitFor: ({ waitFor, count = 1 }, { on }) => on.until(() => on.count(waitFor) >= count),
  waitForUnanswered: (step, { on }) => on.until(() => on.unanswered.size >= step.waitForUnanswered),
  waitForAnswer: (step, { on }) =>
    on.until(() => on.answered.has(JSON.stringify(step.waitForAnswer))),
  waitForBytes: (step, { on }) => on.until(() => on.bytesRead >= step.waitForBytes),
  waitForEof: (_, { on }) => on.until(() => on.atEnd),
  async stderr({ stderr, times = 1 }, { on }) {
    for (let n = 0; n < times; n += 1)
      await on.outlet.stderr(typeof stderr === "string" ? stderr : JSON.stringify(stderr));
  },
  exit({ exit }, { on }) {
    on.outlet.exit(exit);
    return forEver;
  },
  kill({ kill }, { on }) {
    on.outlet.kill(kill);
    return forEver;
  },
  close: (step, { on }) => {
    on.outlet.close(step.close);
  },
  stopReading: (_, { on }) => {
    on.outlet.stopReading();
  },
  spawnHolder: ({ spawnHolder }, { on }) => on.outlet.spawnHolder(spawnHolder === "and logs"),
};

/** Nothing follows an end. */
const forEver = new Promise<never>(() => undefined);

function answer(
  outcome: { readonly result: unknown } | { readonly error: unknown },
  to: string | undefined,
  { context, on, write }: { context: StepContext; on: ServerConnection; write: Write },
) {
  const open = to === undefined ? undefined : on.openRequest(to);
  const id = open ?? context.id ?? null;
  on.unanswered.delete(JSON.stringify(id));
  return write(line({ id, ...outcome }));
}

/** Writes all at once, or `chunk` bytes in a write. */
async function writeCut(all: Buffer, chunk: number | undefined, write: Write): Promise<void> {
  if (chunk === undefined) {
    await write(all);
    return;
  }
  for (let at = 0; at < all.length; at += chunk) {
    await write(all.subarray(at, at + chunk));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function line(value: unknown): Buffer {
  return Buffer.from(toLine(value));
}
