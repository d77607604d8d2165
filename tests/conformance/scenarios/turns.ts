import {
  acceptTurn,
  agentMessage,
  ofTurn,
  textDelta,
  turnCompleted,
  turnStarted,
  turnSteps,
} from "../../support/scripted-server-messages.js";
import type { Step } from "../../support/scripted-server.js";
import type { Scenario } from "../scenario.js";
import { completedTurn, ends, failedTurn, messageOf, trouble } from "../steps.js";

const hello = { status: "completed", finalResponse: "Hello.", text: "Hello.", ends: 1 };

/** Turns that the server brings to their end. */
export const turns: readonly Scenario[] = [
  {
    name: "A normal turn",
    server: "answers `turn/start`, sends the events, then `turn/completed`",
    client: "deliver every event in order and end the turn with its result",
    expect: {
      outcomes: [
        {
          ...hello,
          items: ["agentMessage"],
          events: [
            "turn/started",
            "item/started",
            "item/agentMessage/delta",
            "item/completed",
            "turn/completed",
          ],
        },
      ],
    },
  },
  {
    name: "Everything in one chunk",
    server: "writes the answer and the whole turn at once",
    client: "lose nothing of it",
    script: { on: { "turn/start": [{ together: turnSteps("Hello.") }] } },
    expect: { outcomes: [hello] },
  },
  {
    name: "Turn before the answer",
    server: "sends the whole turn, and only then answers `turn/start`",
    client: "keep the events until it knows whose they are",
    script: {
      on: { "turn/start": [{ together: [...turnSteps("Hello.").slice(1), acceptTurn()] }] },
    },
    expect: { outcomes: [{ ...hello, items: ["agentMessage"] }] },
  },
  {
    name: "End twice",
    server: "sends `turn/completed` twice, the second time as failed",
    client: "end the turn once, by the first, and leave the next turn alone",
    script: {
      on: { "turn/start": [...turnSteps("Hello."), ends(failedTurn("other"))] },
    },
    acts: [{ turn: "one" }, { turn: "two" }],
    expect: { outcomes: [hello, hello] },
  },
  {
    name: "A foreign thread's turn ends",
    server: "completes a turn of another thread, with the same turn id, in the midst",
    client: "not take it for its own turn's end",
    script: {
      on: {
        "turn/start": [
          acceptTurn(),
          turnStarted(),
          ends(failedTurn("other"), "another-thread"),
          ...turnSteps("Hello.").slice(2),
        ],
      },
    },
    expect: { outcomes: [hello] },
  },
  {
    name: "A foreign turn ends",
    server: "completes another turn of the same thread in the midst",
    client: "not take it for its own turn's end",
    script: {
      on: {
        "turn/start": [
          acceptTurn(),
          turnStarted(),
          ends({ ...failedTurn("other"), id: "another-turn" }),
          ...turnSteps("Hello.").slice(2),
        ],
      },
    },
    expect: { outcomes: [hello] },
  },
  {
    name: "Sub-agent before its thread is known",
    server: "sends a sub-agent's whole turn before anything names its thread",
    client: "neither end the parent's turn by it nor take its text for the answer",
    script: {
      on: {
        "turn/start": [
          acceptTurn(),
          turnStarted(),
          {
            notify: "turn/started",
            params: { threadId: "child", turn: { ...completedTurn, id: "child-turn" } },
          },
          ...messageOf("child", "child-turn", "Words of the sub-agent."),
          ends({ ...completedTurn, id: "child-turn" }, "child"),
          ...turnSteps("Hello.").slice(2),
          ...messageOf("child", "child-turn-2", "Later words."),
        ],
      },
    },
    expect: { outcomes: [{ ...hello, items: ["agentMessage"] }] },
  },
  {
    name: "A failed turn",
    server: "completes the turn as failed: the usage limit is reached",
    client: "reject with a typed reason, never show it as success or as an empty answer",
    script: {
      on: {
        "turn/start": [
          [
            acceptTurn(),
            turnStarted(),
            trouble("usageLimitExceeded", false),
            ends(failedTurn("usageLimitExceeded")),
          ],
          turnSteps("Hello."),
        ],
      },
    },
    acts: [{ turn: "one" }, { turn: "two" }],
    expect: {
      outcomes: [
        { ends: 1, error: { name: "TurnFailedError", reason: "usageLimitExceeded" } },
        hello,
      ],
    },
  },
  {
    name: "Trouble that passes",
    server: "reports two errors that it retries by itself, then goes on",
    client: "show them as events and not end the turn",
    script: {
      on: {
        "turn/start": [
          acceptTurn(),
          turnStarted(),
          trouble({ responseStreamDisconnected: { httpStatusCode: null } }, true),
          trouble({ responseStreamDisconnected: { httpStatusCode: null } }, true),
          ...turnSteps("Hello.").slice(2),
        ],
      },
    },
    expect: { outcomes: [{ ...hello, items: ["agentMessage"] }] },
  },
  {
    name: "Two calls on one thread",
    server: "takes a `turn/start` on a busy thread as steering of the running turn",
    client: "send the second turn only when the first has ended, and give each its own answer",
    script: {
      on: {
        "turn/start": [
          [
            acceptTurn(),
            turnStarted(),
            // What the client would send too early comes before it answers these.
            ...[0, 1, 2].flatMap((id): Step[] => [{ ask: "ping", id }, { waitForAnswer: id }]),
            ...turnSteps("One.").slice(2),
          ],
          turnSteps("Two."),
        ],
      },
    },
    acts: [{ atOnce: [{ turn: "one" }, { turn: "two" }] }],
    expect: {
      outcomes: [
        { finalResponse: "One.", ends: 1 },
        { finalResponse: "Two.", ends: 1 },
      ],
      received: ["turn/start", "(answer)", "(answer)", "(answer)", "turn/start"],
    },
  },
  {
    name: "Items that close late or never",
    server: "leaves an item open, and completes another one after the turn",
    client: "end the turn all the same, and keep the late item out of the next turn",
    script: {
      on: {
        "turn/start": [
          [
            acceptTurn(),
            turnStarted(),
            ...agentMessage("Hello."),
            {
              notify: "item/started",
              params: { ...ofTurn, item: { type: "commandExecution", id: "command" } },
            },
            turnCompleted(),
            {
              notify: "item/completed",
              params: { ...ofTurn, item: { type: "commandExecution", id: "command" } },
            },
          ],
          turnSteps("Hello."),
        ],
      },
    },
    acts: [{ turn: "one" }, { turn: "two" }],
    expect: {
      outcomes: [
        { ...hello, items: ["agentMessage", "commandExecution"] },
        { ...hello, items: ["agentMessage"] },
      ],
    },
  },
  {
    name: "Slow consumer",
    server: "streams 5,000 deltas at once, and answers a request behind them",
    client: "lose no text, and hand on the answer though the application does not read on",
    script: {
      on: {
        "account/read": [],
        "turn/start": [
          acceptTurn(),
          turnStarted(),
          { waitFor: "account/read" },
          { together: [{ repeat: 5_000, steps: [textDelta("0123456789")] }] },
          { respond: {}, to: "account/read" },
          turnCompleted(),
        ],
      },
    },
    acts: [
      {
        atOnce: [
          { turn: "Hi", readsOn: "once a request is answered" },
          { request: "account/read" },
        ],
      },
    ],
    expect: {
      outcomes: [
        { status: "completed", text: "0123456789… (50000 characters)", ends: 1 },
        { result: {} },
      ],
    },
  },
];
