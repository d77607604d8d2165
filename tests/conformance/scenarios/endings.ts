import {
  acceptTurn,
  agentMessage,
  textDelta,
  turnRecord,
  turnStarted,
  turnSteps,
} from "../../support/scripted-server-messages.js";
import type { Handlers, Step } from "../../support/scripted-server.js";
import type { Scenario } from "../scenario.js";
import { failedTurn, status, trouble } from "../steps.js";

const hello = { status: "completed", finalResponse: "Hello.", text: "Hello." };
const begun: readonly Step[] = [acceptTurn(), turnStarted()];
const silent: Step[] = [...begun, textDelta("Hel")];

/** Long enough for a slow machine to come to the point that a scenario is about (ms). */
const [idleTimeoutMs, timeoutMs, requestTimeoutMs] = [1_500, 1_500, 1_500];

/** What the server says of its turns when it is asked, and not asked to send them. */
function knows(turn: Parameters<typeof JSON.stringify>[0]): Handlers {
  const page = { data: [turn], nextCursor: null, backwardsCursor: null };
  const empty = { ...page, data: [] };
  return { "thread/turns/list": [{ respond: page }], "thread/items/list": [{ respond: empty }] };
}

const ofTurn1 = (changes: object) => ({ ...turnRecord("turn-1"), ...changes });
const completed1 = ofTurn1({ status: "completed", completedAt: 1_767_225_601 });
const failed1 = { ...failedTurn("internalServerError"), id: "turn-1", rootTurnId: "turn-1" };

/** Turns of a server that lives on and does not say that they have ended. */
export const endings: readonly Scenario[] = [
  {
    name: "Idle without an end",
    server: "says that the thread is idle, and never sends `turn/completed`",
    client: "ask the server, and end the turn with what it says",
    script: {
      on: {
        ...knows(completed1),
        "turn/start": [...begun, ...agentMessage("Hello."), status("idle")],
      },
    },
    expect: { outcomes: [{ ...hello, items: ["agentMessage"] }] },
  },
  {
    name: "Idle, and no word more",
    server: "says that the thread is idle, and refuses to say what became of the turn",
    client: "end the turn all the same",
    script: { on: { "turn/start": [...begun, ...agentMessage("Hello."), status("idle")] } },
    expect: { outcomes: [{ error: { name: "TurnLostError" } }] },
  },
  {
    name: "Idle, and deaf",
    server: "says that the thread is idle, and never answers what became of the turn",
    client: "end the turn all the same, in a bounded time",
    script: {
      on: {
        "turn/start": [...begun, ...agentMessage("Hello."), status("idle")],
        "thread/turns/list": [],
        "thread/read": [],
      },
    },
    // The client's own patience is 21 s; the rest is the machine's.
    expect: { outcomes: [{ error: { name: "TurnLostError" } }], withinMs: 40_000 },
  },
  {
    name: "Idle, then the end",
    server: "says that the thread is idle just before `turn/completed`, as it always does",
    client: "wait for the end, and ask nothing",
    script: {
      on: {
        "turn/start": [
          ...turnSteps("Hello.").slice(0, -1),
          status("idle"),
          ...turnSteps("").slice(-1),
        ],
      },
    },
    expect: {
      outcomes: [{ ...hello, ends: 1 }],
      neverReceived: ["thread/turns/list", "thread/items/list", "thread/read"],
    },
  },
  {
    name: "Final error without an end",
    server: "sends an `error` that it will not retry, and never `turn/completed`",
    client: "ask the server, and reject with the reason of the failure",
    script: {
      on: {
        ...knows(failed1),
        "turn/start": [...silent, status("systemError"), trouble("internalServerError", false)],
      },
    },
    expect: { outcomes: [{ error: { name: "TurnFailedError", reason: "internalServerError" } }] },
  },
  {
    name: "Final error, and no word more",
    server: "sends an `error` that it will not retry, and refuses to say what became of the turn",
    client: "reject with the reason of that error",
    script: {
      on: {
        "turn/start": [...silent, status("systemError"), trouble("contextWindowExceeded", false)],
      },
    },
    expect: { outcomes: [{ error: { name: "TurnFailedError", reason: "contextWindowExceeded" } }] },
  },
  {
    name: "Silence",
    server: "stops sending events in the midst of a turn, and goes on when asked something",
    client: "reject with a typed error after `idleTimeoutMs`, and be able to go on waiting",
    script: {
      on: {
        ...knows(ofTurn1({})),
        "account/read": [{ respond: {} }],
        "turn/start": [...begun, { waitFor: "account/read" }, ...turnSteps("Hello.").slice(2)],
      },
    },
    acts: [{ turn: "Hi", idleTimeoutMs }, { request: "account/read" }, { runAgain: true }],
    expect: {
      outcomes: [
        { error: { name: "TurnStalledError" } },
        { result: {} },
        { status: "completed", finalResponse: "Hello." },
      ],
    },
  },
  {
    name: "Silence, and the turn has ended",
    server: "sends nothing more, but says when it is asked that the turn was completed",
    client: "ask after `idleTimeoutMs`, and end the turn with what the server says",
    script: { on: { ...knows(completed1), "turn/start": [...begun, ...agentMessage("Hello.")] } },
    acts: [{ turn: "Hi", idleTimeoutMs }],
    expect: { outcomes: [hello] },
  },
  {
    name: "Silence, and deaf",
    server: "sends nothing more, and answers nothing either",
    client: "reject with a typed error in a bounded time",
    script: {
      on: { "turn/start": silent, "thread/turns/list": [], "thread/read": [] },
    },
    acts: [{ turn: "Hi", idleTimeoutMs }],
    expect: { outcomes: [{ error: { name: "TurnStalledError" } }], withinMs: 25_000 },
  },
  {
    name: "A retry, then silence",
    server: "reports an error that it will retry, and is silent from then on",
    client: "reject with a typed error after `idleTimeoutMs`",
    script: {
      on: { ...knows(ofTurn1({})), "turn/start": [...begun, trouble("usageLimitExceeded", true)] },
    },
    acts: [{ turn: "Hi", idleTimeoutMs }],
    expect: { outcomes: [{ error: { name: "TurnStalledError" } }] },
  },
  {
    name: "Silence and a deadline",
    server: "never ends the turn, but takes an interrupt",
    client: "interrupt it after `timeoutMs`, and reject with a typed error",
    script: { on: { "turn/start": silent } },
    acts: [
      { turn: "Hi", timeoutMs },
      { turn: "again", timeoutMs },
    ],
    expect: {
      outcomes: [{ error: { name: "TurnTimeoutError" } }, { error: { name: "TurnTimeoutError" } }],
      received: ["turn/start", "turn/interrupt", "turn/start", "turn/interrupt"],
    },
  },
  {
    name: "An interrupt without an answer",
    server: "does not end the turn, and does not answer `turn/interrupt` either",
    client: "give up after a bounded wait, and reject",
    script: { on: { "turn/start": silent, "turn/interrupt": [] } },
    acts: [{ turn: "Hi", timeoutMs }],
    expect: { outcomes: [{ error: { name: "TurnTimeoutError" } }], withinMs: 25_000 },
  },
  {
    name: "Abort before the turn runs",
    server: "answers `turn/start`, and refuses to interrupt before the turn has started",
    client: "see to it that the turn is interrupted all the same",
    script: {
      on: {
        "turn/start": [acceptTurn(), { waitFor: "turn/interrupt" }, turnStarted()],
        "turn/interrupt": [
          [{ refuse: { code: -32_600, message: "no active turn to interrupt" } }],
          [
            { respond: {} },
            {
              notify: "turn/completed",
              params: {
                threadId: "thread-1",
                turn: turnRecord("turn-1", { status: "interrupted" }),
              },
            },
          ],
        ],
      },
    },
    acts: [{ turn: "Hi", abort: "once it is accepted" }],
    expect: {
      outcomes: [{ error: { name: "AbortError" } }],
      received: ["turn/start", "turn/interrupt", "turn/interrupt"],
    },
  },
  {
    name: "Abort before the start",
    server: "behaves well",
    client: "not send a turn that was aborted before it was sent",
    acts: [{ turn: "Hi", abort: "at once" }],
    expect: { outcomes: [{ error: { name: "AbortError" } }], neverReceived: ["turn/start"] },
  },
  {
    name: "Accepted too late",
    server: "answers `turn/start` only after the client has given up on it, and runs the turn",
    client: "interrupt the turn that nobody waits for",
    script: {
      on: {
        "account/read": [{ respond: {} }],
        "turn/start": [{ waitFor: "account/read" }, acceptTurn(), turnStarted()],
        "config/read": [{ waitFor: "turn/interrupt" }, { respond: {} }],
      },
    },
    options: { requestTimeoutMs },
    acts: [
      { turn: "Hi" },
      { request: "account/read" },
      { request: "config/read", timeoutMs: 8_000 },
    ],
    expect: {
      outcomes: [{ error: { code: "REQUEST_TIMEOUT" } }, { result: {} }, { result: {} }],
      received: ["turn/start", "account/read", "turn/interrupt"],
    },
  },
];
