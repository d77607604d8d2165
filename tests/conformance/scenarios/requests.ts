import { turnSteps } from "../../support/scripted-server-messages.js";
import type { Json, Step } from "../../support/scripted-server.js";
import type { Scenario } from "../scenario.js";

const fine = { result: { fine: true } };
const hello = { status: "completed", finalResponse: "Hello." };
const answers: Step = { respond: { fine: true } };
/** Long enough for the answers that do come, on a slow machine, too (ms). */
const requestTimeoutMs = 1_500;
const overloaded: Step = { refuse: { code: -32_001, message: "Server overloaded; retry later." } };

/** A request that gets this answer, and another one that shows that the connection goes on. */
function answered(...steps: Step[]) {
  return {
    script: { on: { "config/read": steps, "account/read": [answers] } },
    acts: [{ request: "config/read" }, { request: "account/read" }],
  } satisfies Partial<Scenario>;
}

function malformed(
  name: string,
  server: string,
  members: Readonly<Record<string, Json>>,
): Scenario {
  return {
    name,
    server,
    client: "reject that request with a typed error, and go on",
    ...answered({ send: { id: "{{id}}", ...members } }),
    expect: { outcomes: [{ error: { name: "ProtocolError" } }, fine] },
  };
}

function refused(name: string, server: string, message: string, error: string): Scenario {
  return {
    name,
    server,
    client: "tell this by the class of the error",
    script: {
      on: { "thread/resume": [{ refuse: { code: -32_600, message } }], "account/read": [answers] },
    },
    acts: [{ resumeThread: "thread-1" }, { request: "account/read" }],
    expect: { outcomes: [{ error: { name: error } }, fine] },
  };
}

/** Requests of the client, and what comes back. */
export const requests: readonly Scenario[] = [
  {
    name: "Answer with an unknown id",
    server: "answers a request that was never made",
    client: "ignore it",
    ...answered({ send: { id: 9_999, result: {} } }, answers),
    expect: { outcomes: [fine, fine] },
  },
  {
    name: "Answer with a string id",
    server: "answers with the number of the id as text, then rightly",
    client: "take only the right one",
    ...answered({ line: '{"id":"{{id}}","result":{"wrong":true}}' }, answers),
    expect: { outcomes: [fine, fine] },
  },
  {
    name: "Two answers",
    server: "answers a request twice",
    client: "take the first",
    ...answered(answers, { send: { id: "{{id}}", error: { code: 1, message: "no" } } }),
    expect: { outcomes: [fine, fine] },
  },
  malformed("Answer without a result", "answers with nothing but the id", {}),
  malformed("Error without anything", "answers with an error that has no code", { error: {} }),
  malformed("Error of the wrong type", "answers with text for an error", { error: "no" }),
  {
    name: "Never answered",
    server: "does not answer a request",
    client: "reject it after its deadline, and go on",
    ...answered(),
    options: { requestTimeoutMs },
    expect: { outcomes: [{ error: { name: "RequestTimeoutError" } }, fine] },
  },
  {
    name: "Many never answered",
    server: "answers none of 100 requests",
    client: "reject each after its deadline, those that were never sent too, and go on",
    script: { on: { "config/read": [], "account/read": [answers] } },
    options: { requestTimeoutMs },
    acts: [
      { atOnce: Array.from({ length: 100 }, () => ({ request: "config/read" })) },
      { request: "account/read" },
    ],
    expect: {
      outcomes: [
        ...Array.from({ length: 100 }, () => ({ error: { name: "RequestTimeoutError" } })),
        fine,
      ],
    },
  },
  {
    name: "Turn never accepted",
    server: "does not answer `turn/start`",
    client: "reject after the deadline, and let the next turn run",
    script: { on: { "turn/start": [[], turnSteps("Hello.")] } },
    options: { requestTimeoutMs },
    acts: [{ turn: "one" }, { turn: "two" }],
    expect: { outcomes: [{ error: { code: "REQUEST_TIMEOUT" } }, hello] },
  },
  {
    name: "Thread started too late",
    server: "answers `thread/start` only after the client has given up on it",
    client: "let go of the thread that nobody waits for",
    script: {
      on: {
        "account/read": [answers],
        "thread/start": [
          { waitFor: "account/read" },
          { respond: { thread: { id: "thread-1", status: { type: "idle" }, turns: [] } } },
        ],
        "thread/unsubscribe": [{ respond: { status: "unsubscribed" } }],
        "config/read": [{ waitFor: "thread/unsubscribe" }, answers],
      },
    },
    options: { requestTimeoutMs },
    acts: [
      { startThread: true },
      { request: "account/read" },
      { request: "config/read", timeoutMs: 8_000 },
    ],
    expect: {
      outcomes: [{ error: { code: "REQUEST_TIMEOUT" } }, fine, fine],
      received: ["thread/start", "account/read", "thread/unsubscribe"],
    },
  },
  {
    name: "Overload, then success",
    server: "is too busy for a request twice, then answers it",
    client: "repeat it after a pause",
    script: { on: { "config/read": [[overloaded], [overloaded], [answers]] } },
    options: { retryOnOverload: { minTimeoutMs: 10 } },
    acts: [{ request: "config/read" }],
    expect: { outcomes: [fine], received: ["config/read", "config/read", "config/read"] },
  },
  {
    name: "Overload of a turn",
    server: "is too busy for `turn/start` at first",
    client: "repeat it, and run the turn once",
    script: {
      on: {
        "thread/start": [[overloaded], [{ respond: { thread: { id: "thread-1" } } }]],
        "turn/start": [
          [overloaded],
          [
            { respond: { turn: { id: "turn-1" } } },
            {
              notify: "turn/completed",
              params: { threadId: "thread-1", turn: { id: "turn-1", status: "completed" } },
            },
          ],
        ],
      },
    },
    options: { retryOnOverload: { minTimeoutMs: 10 } },
    expect: {
      outcomes: [{ status: "completed", ends: 1 }],
      received: ["thread/start", "thread/start", "turn/start", "turn/start"],
    },
  },
  {
    name: "Overload without end",
    server: "is too busy every time",
    client: "give up after a bounded number of attempts",
    script: { on: { "config/read": [overloaded], "account/read": [answers] } },
    options: { retryOnOverload: { retries: 2, minTimeoutMs: 10 } },
    acts: [{ request: "config/read" }, { request: "account/read" }],
    expect: {
      outcomes: [{ error: { name: "RetryLimitExceededError" } }, fine],
      received: ["config/read", "config/read", "config/read"],
    },
  },
  {
    name: "Overload without an answer",
    server: "drops a request because it is too busy even to refuse it",
    client: "reject after the deadline, and not repeat what may have been done",
    ...answered(),
    options: { requestTimeoutMs, retryOnOverload: true },
    expect: {
      outcomes: [{ error: { name: "RequestTimeoutError" } }, fine],
      received: ["config/read"],
    },
  },
  refused(
    "Another writer",
    "refuses to resume a thread that another process has open",
    "thread 1 already has an active writer",
    "ThreadBusyError",
  ),
  refused(
    "No history",
    "refuses to resume a thread that never ran a turn",
    "no rollout found for thread id 1",
    "ThreadNotFoundError",
  ),
  {
    name: "Steering the wrong turn",
    server: "refuses to steer: another turn runs",
    client: "tell this by the class of the error",
    script: {
      on: {
        "turn/steer": [
          { refuse: { code: -32_600, message: "expected active turn id `X` but found `Y`" } },
        ],
      },
    },
    acts: [{ request: "turn/steer", params: { threadId: "thread-1" } }, { turn: "Hi" }],
    expect: { outcomes: [{ error: { name: "TurnNotActiveError" } }, hello] },
  },
  {
    name: "A thread with a long history",
    server: "would send all of it when the thread is resumed, in one line",
    client: "not ask for it",
    acts: [{ resumeThread: "thread-1" }],
    expect: {
      outcomes: [{ result: "thread-1" }],
      sent: { method: "thread/resume", params: { threadId: "thread-1", excludeTurns: true } },
    },
  },
];
