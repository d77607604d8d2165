import type { AppServerClientOptions } from "../../lib/options/options.js";
import type { TurnControls } from "../../lib/options/turn-options.js";
import type { Json, JsonObject, Script } from "../support/scripted-server.js";

/** One thing that a server may do, and what a client has to make of it: all of it plain data. */
export interface Scenario {
  readonly name: string;
  /** What the server does, and what a client must do: a short sentence each. */
  readonly server: string;
  readonly client: string;
  /** What the server process does; by default it behaves well. */
  readonly script?: Script;
  /** Instead of a server: a file that cannot be started. */
  readonly program?: "missing" | "not executable" | "of another machine";
  readonly options?: HostOptions;
  /** What the application does, one after the other; by default it runs one turn. */
  readonly acts?: readonly Act[];
  readonly expect: Expectation;
}

type ClientOptions = Pick<
  AppServerClientOptions,
  "maxMessageBytes" | "requestTimeoutMs" | "startTimeoutMs" | "retryOnOverload"
>;

export interface HostOptions extends ClientOptions {
  /** What the application's handler of approvals does; by default there is none. */
  readonly approvals?: "accepts" | "throws" | "never answers";
}

export type Act =
  | TurnAct
  /** Waits once more for the end of the turn before. */
  | { readonly runAgain: true }
  | { readonly request: string; readonly params?: JsonObject; readonly timeoutMs?: number }
  | { readonly startThread: true }
  | { readonly resumeThread: string }
  | { readonly atOnce: readonly Act[] }
  | { readonly close: true }
  /** Waits until the client has found out by itself that the connection is over. */
  | { readonly awaitEnd: true };

/** A turn on the scenario's thread, which is started first; it is iterated, then collected. */
export interface TurnAct extends Pick<TurnControls, "timeoutMs"> {
  readonly turn: string;
  readonly idleTimeoutMs?: number;
  /** When the application aborts the turn. */
  readonly abort?: "at once" | "once it is accepted";
  /** When the application reads more than the first event; by default at once. */
  readonly readsOn?: "once a request is answered";
}

/** What became of an act, in as far as the expectation names it. */
export interface Outcome {
  /** Of a turn: its result, the text that was streamed, and how often its end was. */
  readonly status?: string;
  readonly finalResponse?: string | null;
  readonly text?: string;
  readonly ends?: number;
  /** Types of the result's items. */
  readonly items?: readonly string[];
  /** Methods of the turn's events, without repetitions of the same one in a row. */
  readonly events?: readonly string[];
  /** Of a request: its answer. */
  readonly result?: Json;
  readonly error?: Failure;
  /** Of `awaitEnd` and `close`: how the connection ended. */
  readonly kind?: string;
  readonly exitCode?: number | null;
  readonly signal?: string | null;
}

export interface Failure {
  /** Name of the class. */
  readonly name?: string;
  readonly code?: string;
  readonly exitCode?: number | null;
  readonly signal?: string | null;
  /** Why a turn failed. */
  readonly reason?: string;
  /** Name of the class of the cause. */
  readonly cause?: string;
}

export interface Expectation {
  /** What became of each act; what an entry does not name may be anything. */
  readonly outcomes: readonly Outcome[];
  /** What the server got as answers to its requests, in the order of their arrival. */
  readonly answers?: readonly JsonObject[];
  /**
   * In which order messages with these methods reached the server, and no others of them; an answer
   * to a request of the server stands there as `"(answer)"`.
   */
  readonly received?: readonly string[];
  /** What the client has no reason to send. */
  readonly neverReceived?: readonly string[];
  /** The params of the last message of a method. */
  readonly sent?: { readonly method: string; readonly params: JsonObject };
  /** How long it may take, the end of the process included (ms, default 15,000). */
  readonly withinMs?: number;
  /** How many processes of the server's own may be left: the client knows only the server itself. */
  readonly leaves?: number;
}

/** What a host process tells about a scenario. */
export interface Report {
  readonly outcomes: readonly Outcome[];
  /** How long all of it took, from before the start until the client was closed (ms). */
  readonly ms: number;
  /** Handles, timers and abort listeners that are still there. */
  readonly left: readonly string[];
  /** Names of the warnings that Node.js gave. */
  readonly warnings: readonly string[];
}

/** What a host process gets: the parts of a scenario that it needs. */
export interface Job {
  readonly launch: Pick<AppServerClientOptions, "launch" | "codexPath">;
  readonly options: HostOptions;
  readonly acts: readonly Act[];
}
