import { createHash } from "node:crypto";
import { checkOptions, withoutKeys, type KeysOf } from "../../errors/check-options.js";
import { check, checkText, object, text } from "../../errors/check-values.js";
import { InvalidArgumentError, type InputItem, type TurnInput } from "../../index.js";
import type { JsonSchema, StartThreadOptions, TurnControls, TurnSettings } from "../../index.js";
import { normalizeInput } from "../../options/input.js";
import {
  checkOpeningOptions,
  checkTurnOptions,
  startThreadKeys,
} from "../../options/option-keys.js";
import type { StreamFacts } from "../../http/index.js";
import { checkJson } from "./check-json.js";
import type { FailedOutcome } from "./job-outcome.js";
import { storable } from "./storable.js";

/** Settings of the thread that a job begins: those of `startThread()` that can travel as JSON. */
export type NewThreadOptions = Omit<
  StartThreadOptions,
  | "budget"
  | "ephemeral"
  | "tools"
  | "handlers"
  | "onApproval"
  | "onUserInput"
  | "onElicitation"
  | "onCurrentTime"
>;

/** Options of a job's turn: those of a turn that can travel as JSON. Handlers belong to the worker. */
export interface TurnJobOptions
  extends
    Omit<TurnSettings, "clientUserMessageId">,
    Pick<TurnControls, "timeoutMs" | "idleTimeoutMs" | "maxBacklogBytes" | "trace"> {
  /** The shape of the answer, as JSON Schema. */
  outputSchema?: JsonSchema | null | undefined;
}

/** BullMQ's own options of a job, as they are. */
export interface TurnJobSettings {
  /** From 1 to 2,097,152, the most urgent first; without one, before all others. It does not change the order within a thread. */
  priority?: number | undefined;
  /** How long the job waits before it may begin (ms). It takes its place in its thread's line after that. */
  delay?: number | undefined;
  /** How often it is tried (default 1). Only what never began is tried again. */
  attempts?: number | undefined;
  /** How long to wait between two attempts (ms), or how that grows. */
  backoff?:
    | number
    | { readonly type: string; readonly delay?: number; readonly jitter?: number }
    | undefined;
  /** Whether, for how long (s) or how many such jobs stay after they ended. */
  removeOnComplete?:
    boolean | number | { readonly age?: number; readonly count?: number } | undefined;
  removeOnFail?: boolean | number | { readonly age?: number; readonly count?: number } | undefined;
  /** Whether it goes before the jobs that wait. */
  lifo?: boolean | undefined;
  keepLogs?: number | undefined;
  sizeLimit?: number | undefined;
  stackTraceLimit?: number | undefined;
}

/** A turn that some worker is to run. */
export interface AddTurnJobOptions {
  /** The id of the thread; or give `newThread`. */
  readonly thread?: string | undefined;
  /** Begins a thread, with these settings. */
  readonly newThread?: NewThreadOptions | undefined;
  readonly input: TurnInput;
  readonly options?: TurnJobOptions | undefined;
  /** Whose turn it is, such as the id of your user: `authorize` of `TurnStreams` is told, and so is `codexFor`. */
  readonly owner?: string | undefined;
  /** The same key gives the same job, while it is kept: for calls that are repeated. */
  readonly idempotencyKey?: string | undefined;
  /** BullMQ's own: priority, delay, attempts, backoff and so on. */
  readonly job?: TurnJobSettings | undefined;
}

/** A job as it lies in BullMQ: plain JSON. */
export interface TurnRequest {
  readonly version: 1;
  readonly owner: string;
  readonly thread: string | null;
  readonly newThread: NewThreadOptions | null;
  readonly input: readonly InputItem[];
  readonly options: TurnJobOptions;
  /** Of all the above: who adds another turn under the same key is refused. */
  readonly digest: string;
  /** How it ended, once it has; of a result only that there was one. */
  readonly over?: FailedOutcome | undefined;
}

const addKeys: KeysOf<AddTurnJobOptions> = {
  thread: true,
  newThread: true,
  input: true,
  options: true,
  owner: true,
  idempotencyKey: true,
  job: true,
};

const jobKeys: KeysOf<TurnJobSettings> = {
  priority: true,
  delay: true,
  attempts: true,
  backoff: true,
  removeOnComplete: true,
  removeOnFail: true,
  lifo: true,
  keepLogs: true,
  sizeLimit: true,
  stackTraceLimit: true,
};

const handlerNames = [
  "handlers",
  "onApproval",
  "onUserInput",
  "onElicitation",
  "onCurrentTime",
  "tools",
];
const budgetElsewhere =
  "is counted in one process: give it to the worker's Codex (codexFor), for each tenant say";
const withWorker =
  "must be given to the worker (handlersFor, codexFor): a function cannot travel to another machine";

/** Whether the data of a job are those of a turn, as this version of the library writes them. */
export function isTurnRequest(data: unknown): data is TurnRequest {
  return object.fits(data) && Reflect.get(data as object, "version") === 1;
}

/** Reads what `add()` was given. @throws InvalidArgumentError */
export function readTurnRequest(given: AddTurnJobOptions): TurnRequest {
  checkOptions("add()", given, addKeys);
  const { thread, newThread, owner, idempotencyKey, job = {}, options = {} } = given;
  if ((thread === undefined) === (newThread === undefined)) {
    throw new InvalidArgumentError("thread", "must be given, or newThread, and not both");
  }
  if (thread !== undefined) checkText("thread", thread);
  if (newThread !== undefined) checkNewThread(newThread);
  if (owner !== undefined) check("owner", owner, text);
  if (idempotencyKey !== undefined) check("idempotencyKey", idempotencyKey, text);
  check("job", job, object);
  checkOptions("job", job, jobKeys);
  checkTurn(options);
  normalizeInput(given.input);
  const input = toItems(given.input);
  const parts = { thread: thread ?? null, newThread: newThread ?? null, input, options };
  for (const [name, value] of Object.entries(parts)) checkJson(name, value);
  const request = { version: 1 as const, owner: owner ?? "", ...storable(parts) };
  return { ...request, digest: digestOf(request) };
}

/** Whose events they are, for the store, which takes no empty names. */
export function factsOf(owner: string, threadId: string | null): StreamFacts {
  return {
    owner: owner === "" ? "(nobody)" : owner,
    threadId: threadId === null || threadId === "" ? "(none)" : threadId,
  };
}

function checkNewThread(options: NewThreadOptions): void {
  check("newThread", options, object);
  refuseFunctions("newThread", options);
  const keys = withoutKeys(startThreadKeys, "budget", "ephemeral");
  if (Reflect.get(options, "budget") !== undefined) {
    throw new InvalidArgumentError("newThread.budget", budgetElsewhere);
  }
  if ("ephemeral" in options && options.ephemeral) {
    throw new InvalidArgumentError(
      "newThread.ephemeral",
      "must not be set: of such a thread nothing is stored, so no other worker could find its turn",
    );
  }
  checkOpeningOptions("newThread", options, keys);
}

function checkTurn(options: TurnJobOptions): void {
  check("options", options, object);
  refuseFunctions("options", options);
  const elsewhere: Readonly<Record<string, string>> = {
    budget: budgetElsewhere,
    signal: "cannot travel to another machine: use job.interrupt()",
    whenBusy:
      "is not an option of a job: turns of a thread run one after the other. Use job.steer()",
    onBreak: "is not an option of a job: its turn runs on whoever watches",
    clientUserMessageId: "is made by the queue, which finds the turn by it",
  };
  for (const [name, problem] of Object.entries(elsewhere)) {
    if (Reflect.get(options, name) !== undefined) {
      throw new InvalidArgumentError(`options.${name}`, problem);
    }
  }
  checkTurnOptions(options);
}

function refuseFunctions(path: string, options: object): void {
  for (const name of handlerNames) {
    if (Reflect.get(options, name) === undefined) continue;
    throw new InvalidArgumentError(`${path}.${name}`, withWorker);
  }
}

function toItems(input: TurnInput): readonly InputItem[] {
  const list: readonly (string | InputItem)[] = Array.isArray(input) ? input : [input];
  return list.map((item) => (typeof item === "string" ? { type: "text", text: item } : item));
}

/** The same for the same content, whatever the order of its keys. */
function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value, sorted)).digest("base64url");
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries);
}
