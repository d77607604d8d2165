import { reasonOf, throwIfAborted } from "../../async/abort.js";
import { checkKeys, type KeysOf } from "../../errors/check-options.js";
import { check, notBlank } from "../../errors/check-values.js";
import type { Thread, TurnOptions } from "../../index.js";
import type { PartVisibility } from "../../parts/part-options.js";
import { callWarnings } from "./call-warnings.js";
import { hasOptional } from "./has-optional.js";
import type { ModelThreads } from "./model-threads.js";
import type { ModelCallOptions, ModelStreamPart, ModelWarning } from "./model-types.js";
import type { OpenTurns } from "./open-turns.js";
import { readPrompt, type ReadPrompt } from "./read-prompt.js";
import { streamOfStep } from "./step-stream.js";
import { SteppedTurn } from "./stepped-turn.js";

/** What all models of a provider share. */
export interface ProviderState {
  readonly threads: ModelThreads;
  readonly turns: OpenTurns;
  readonly show: PartVisibility | undefined;
  readonly toolResultTimeoutMs: number;
}

/**
 * Begins a step: goes on with the turn that waits for the results in the prompt, or else starts a turn, on the
 * thread that the options name, or on a new one.
 */
export async function startStep(
  state: ProviderState,
  model: string | undefined,
  call: ModelCallOptions,
): Promise<ReadableStream<ModelStreamPart>> {
  const { abortSignal } = call;
  throwIfAborted(abortSignal);
  const prompt = readPrompt(call.prompt);
  const warnings = callWarnings(call);
  const waiting = prompt.isAnswer ? state.turns.waitingFor(prompt.answers) : undefined;
  if (waiting) {
    waiting.answer(prompt.answers);
    return streamOfStep(waiting, abortSignal, warnings);
  }
  const turn = await startTurn(state, model, call, prompt, warnings);
  const stream = streamOfStep(turn, abortSignal, warnings);
  try {
    await turn.turn.started;
  } catch (error) {
    await stream.cancel(error);
    throw abortSignal?.aborted ? reasonOf(abortSignal) : error;
  }
  return stream;
}

async function startTurn(
  state: ProviderState,
  model: string | undefined,
  call: ModelCallOptions,
  prompt: ReadPrompt,
  warnings: ModelWarning[],
): Promise<SteppedTurn> {
  const { threads, turns, show, toolResultTimeoutMs } = state;
  const tools = call.toolChoice?.type === "none" ? [] : turns.toolsOf(call.tools ?? []);
  const settings = settingsOf(model, call);
  const threadId = threadIdIn(call);
  let thread: Thread;
  let cwd: string | undefined;
  if (threadId === undefined) {
    thread = await threads.start(prompt, tools, model);
    cwd = thread.opened?.cwd;
  } else {
    // It would wait for results until its time is over, and this turn for it.
    turns.stopWaiting(threadId);
    const opened = await threads.open(threadId, tools);
    ({ thread, cwd } = opened);
    for (const { name } of tools) {
      if (opened.tools?.has(name) === false) warnings.push(unknownTool(name));
    }
  }
  throwIfAborted(call.abortSignal);
  const names = new Set(tools.map(({ name }) => name));
  const schema = settings.outputSchema;
  const turn = new SteppedTurn({
    turn: thread.turn(threadId === undefined ? prompt.input : prompt.newest, settings),
    modelId: model ?? thread.opened?.model ?? "default",
    isCallersTool: (name) => names.has(name),
    holdsText: schema !== undefined && hasOptional(schema),
    toolResultTimeoutMs,
    show: { cwd: cwd === "" ? undefined : cwd, show },
  });
  turns.add(turn);
  return turn;
}

function settingsOf(model: string | undefined, call: ModelCallOptions): TurnOptions {
  const { responseFormat, reasoning } = call;
  const settings: TurnOptions = {};
  if (model !== undefined) settings.model = model;
  if (reasoning !== undefined && reasoning !== "provider-default") settings.effort = reasoning;
  if (responseFormat?.type === "json" && responseFormat.schema !== undefined) {
    settings.outputSchema = responseFormat.schema;
  }
  return settings;
}

/** What `providerOptions.codex` may have. */
interface CallOptions {
  readonly threadId?: string | undefined;
}

const callKeys: KeysOf<CallOptions> = { threadId: true };

/** @throws InvalidArgumentError: of options with a slip in them, another thread would come. */
function threadIdIn({ providerOptions }: ModelCallOptions): string | undefined {
  const own = (providerOptions?.["codex"] ?? {}) as CallOptions;
  checkKeys("providerOptions.codex", own, callKeys);
  const { threadId } = own;
  if (threadId !== undefined) check("providerOptions.codex.threadId", threadId, notBlank);
  return threadId;
}

function unknownTool(name: string): ModelWarning {
  const details = "The thread was started without it; a thread keeps the tools of its first call.";
  return { type: "unsupported", feature: `tool ${name}`, details };
}
