import {
  acceptTurn,
  ofTurn,
  turnRecord,
  turnStarted,
  turnSteps,
} from "../../support/scripted-server-messages.js";
import type { Json, Script, Step } from "../../support/scripted-server.js";
import type { Scenario } from "../scenario.js";
import { completedTurn, ends, failedTurn } from "../steps.js";

const hello = { status: "completed", finalResponse: "Hello.", text: "Hello.", ends: 1 };

/** A turn with these steps before its message. */
function turnWith(...steps: Step[]): Script {
  const rest = turnSteps("Hello.").slice(2);
  return { on: { "turn/start": [acceptTurn(), turnStarted(), ...steps, ...rest] } };
}

/** A notification of the turn with these params on top of its ids. */
function tells(notify: string, params: Readonly<Record<string, Json>>): Step {
  return { notify, params: { ...ofTurn, ...params } };
}

/** What no released protocol has, or has differently. */
export const surprises: readonly Scenario[] = [
  {
    name: "New notification",
    server: "sends notifications with methods that nobody knows, of the turn and of nothing",
    client: "pass them through, and go on",
    script: turnWith(
      tells("item/hologram/delta", { itemId: "1", delta: "?" }),
      { notify: "galaxy/changed", params: { to: "another" } },
      { notify: "constructor" },
    ),
    expect: {
      outcomes: [
        {
          ...hello,
          events: [
            "turn/started",
            "item/hologram/delta",
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
    name: "New item type",
    server: "sends an item of a type that nobody knows",
    client: "pass it through, and keep it in the result",
    script: turnWith(
      tells("item/started", { item: { type: "hologram", id: "1", angle: 0 } }),
      tells("item/completed", { item: { type: "hologram", id: "1", angle: 90 } }),
    ),
    expect: { outcomes: [{ ...hello, items: ["hologram", "agentMessage"] }] },
  },
  {
    name: "New enum values",
    server: "sends a status, a phase, a plan and a limit that nobody knows",
    client: "pass them through, and go on",
    script: turnWith(
      tells("item/completed", {
        item: { type: "agentMessage", id: "0", text: "Humming.", phase: "humming" },
      }),
      {
        notify: "thread/status/changed",
        params: { threadId: "{{params.threadId}}", status: { type: "dreaming" } },
      },
      { notify: "account/updated", params: { authMode: "telepathy", planType: "galactic" } },
      {
        notify: "account/rateLimits/updated",
        params: { rateLimits: { limitId: "moons", primary: null } },
      },
    ),
    expect: { outcomes: [hello] },
  },
  {
    name: "New status of a turn",
    server: "completes the turn with a status that nobody knows",
    client: "end the turn and pass the status through",
    script: {
      on: {
        "turn/start": [
          ...turnSteps("Hello.").slice(0, -1),
          ends({ ...completedTurn, status: "transcended" }),
        ],
      },
    },
    expect: { outcomes: [{ status: "transcended", finalResponse: "Hello.", ends: 1 }] },
  },
  {
    name: "New reason of a failure",
    server: "fails the turn for a reason that nobody knows",
    client: "reject with the very name of the reason",
    script: {
      on: {
        "turn/start": [
          acceptTurn(),
          turnStarted(),
          ends(failedTurn({ moonTooBright: { lux: 1 } })),
        ],
      },
    },
    expect: { outcomes: [{ error: { name: "TurnFailedError", reason: "moonTooBright" } }] },
  },
  {
    name: "Extra fields",
    server: "sends fields that nobody knows, in every message of the turn",
    client: "not mind them",
    script: {
      on: {
        "turn/start": [
          {
            send: {
              id: "{{id}}",
              result: { turn: turnRecord("turn-{{count}}", { aura: "blue" }), more: [] },
              trace: {},
              error: null,
            },
          },
          {
            send: {
              method: "turn/started",
              params: { threadId: "thread-1", turn: turnRecord("turn-{{count}}"), shade: 1 },
              jsonrpc: "3.0",
              extra: {},
            },
          },
          ...turnSteps("Hello.").slice(2, -1),
          ends({ ...completedTurn, aura: "blue" }),
        ],
      },
    },
    expect: { outcomes: [hello] },
  },
  {
    name: "Missing fields",
    server: "leaves out all that can be left out: params, times, items, even the status",
    client: "end the turn by the id of its `turn/completed`",
    script: {
      on: {
        "turn/start": [
          { respond: { turn: { id: "turn-{{count}}" } } },
          { notify: "turn/started" },
          { notify: "item/completed", params: ofTurn },
          ends({ id: "turn-{{count}}" }),
        ],
      },
    },
    expect: { outcomes: [{ ends: 1, finalResponse: null, items: [] }] },
  },
  {
    name: "Wrong types",
    server: "sends numbers for texts, texts for objects and null for lists in known fields",
    client: "pass such events through, and learn nothing from them",
    script: turnWith(
      tells("item/agentMessage/delta", { itemId: 7, delta: 42 }),
      tells("item/agentMessage/delta", { itemId: "message-1", delta: null }),
      tells("item/started", { item: null }),
      tells("item/completed", { item: "text" }),
      tells("item/completed", { item: { type: 9, id: {} } }),
      tells("thread/tokenUsage/updated", { tokenUsage: "many" }),
      tells("turn/plan/updated", { plan: 3, explanation: {} }),
      tells("turn/diff/updated", { diff: [] }),
      tells("error", { error: null, willRetry: "maybe" }),
      {
        notify: "thread/status/changed",
        params: { threadId: "{{params.threadId}}", status: null },
      },
      { notify: "serverRequest/resolved", params: { threadId: 1, requestId: {} } },
      { notify: "thread/started", params: { thread: null } },
      { notify: "thread/queue/changed", params: [] },
      { notify: "account/rateLimits/updated", params: null },
      { notify: "turn/started", params: { threadId: "{{params.threadId}}", turn: 5 } },
      { notify: "turn/completed", params: { threadId: "{{params.threadId}}", turn: null } },
    ),
    expect: { outcomes: [{ status: "completed", finalResponse: "Hello.", ends: 1 }] },
  },
  {
    name: "Wrong types in the end",
    server: "completes the turn with nonsense around its id",
    client: "end the turn",
    script: {
      on: {
        "turn/start": [
          ...turnSteps("Hello.").slice(0, -1),
          ends({ id: "turn-{{count}}", items: "none", status: 7, error: 0, durationMs: "long" }),
        ],
      },
    },
    expect: { outcomes: [{ finalResponse: "Hello.", ends: 1 }] },
  },
  {
    name: "Names of JavaScript's own",
    server: "uses `__proto__` and `constructor` as ids, methods and fields",
    client: "take them for names like any other",
    script: turnWith(
      { line: '{"method":"__proto__","params":{"__proto__":{"polluted":true}}}' },
      tells("item/started", { item: { type: "agentMessage", id: "__proto__", text: "" } }),
      tells("item/agentMessage/delta", { itemId: "constructor", delta: "" }),
      {
        notify: "turn/completed",
        params: { threadId: "__proto__", turn: { id: "constructor", status: "failed" } },
      },
    ),
    expect: { outcomes: [{ status: "completed", finalResponse: "Hello.", ends: 1 }] },
  },
  {
    name: "The same words again",
    server: "sends every message of the turn twice",
    client: "end the turn once",
    script: {
      on: {
        "turn/start": turnSteps("Hello.").flatMap((step) => [step, step]),
      },
    },
    expect: { outcomes: [{ status: "completed", finalResponse: "Hello.", ends: 1 }] },
  },
];
