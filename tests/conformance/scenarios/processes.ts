import {
  acceptTurn,
  textDelta,
  turnStarted,
  turnSteps,
} from "../../support/scripted-server-messages.js";
import type { Step } from "../../support/scripted-server.js";
import type { Scenario } from "../scenario.js";

const hello = { status: "completed", finalResponse: "Hello.", text: "Hello.", ends: 1 };
const begun: readonly Step[] = [acceptTurn(), turnStarted(), textDelta("Hel")];

function endsMidTurn(name: string, server: string, end: Step, how: object): Scenario {
  return {
    name,
    server,
    client: "deliver what was sent, and reject at once with how the process ended",
    script: { on: { "turn/start": [...begun, end] } },
    acts: [{ turn: "Hi" }, { awaitEnd: true }, { turn: "later" }],
    expect: {
      outcomes: [
        { text: "Hel", ends: 0, error: { name: "TransportClosedError", ...how } },
        { kind: "exited", ...how },
        { error: { name: "TransportClosedError", ...how } },
      ],
    },
  };
}

/** How processes end, and what becomes of their pipes. */
export const processes: readonly Scenario[] = [
  endsMidTurn(
    "Exit with code 0",
    "ends in the midst of a turn, with code 0",
    { exit: 0 },
    {
      exitCode: 0,
      signal: null,
    },
  ),
  endsMidTurn(
    "Exit with code 1",
    "ends in the midst of a turn, with code 1",
    { exit: 1 },
    {
      exitCode: 1,
      signal: null,
    },
  ),
  endsMidTurn(
    "Killed",
    "is killed in the midst of a turn",
    { kill: "SIGKILL" },
    {
      exitCode: null,
      signal: "SIGKILL",
    },
  ),
  {
    name: "Exit behind the last event",
    server: "ends right after `turn/completed`, before the pipe was read to its end",
    client: "end the turn with its result, and only then report the loss",
    script: { on: { "turn/start": [{ together: turnSteps("Hello.") }, { exit: 1 }] } },
    acts: [{ turn: "Hi" }, { awaitEnd: true }],
    expect: { outcomes: [hello, { kind: "exited", exitCode: 1 }] },
  },
  {
    name: "Exit behind many events",
    server: "writes 2,000 deltas and ends before the end of the turn",
    client: "deliver all of them, in order, before it rejects",
    script: {
      on: {
        "turn/start": [
          ...begun,
          { together: [{ repeat: 2_000, steps: [textDelta("0123456789")] }] },
          { exit: 3 },
        ],
      },
    },
    expect: {
      outcomes: [
        {
          text: "Hel0123456… (20003 characters)",
          error: { name: "TransportClosedError", exitCode: 3 },
        },
      ],
    },
  },
  {
    name: "Exit with much pending",
    server: "ends while turns and requests wait for it",
    client: "reject every one of them",
    script: {
      on: {
        "turn/start": begun,
        "model/list": [],
        "config/read": [{ waitFor: "turn/start" }, { exit: 4 }],
      },
    },
    acts: [
      {
        atOnce: [
          { turn: "one" },
          { turn: "two" },
          { request: "model/list" },
          { request: "model/list" },
          { request: "config/read" },
        ],
      },
    ],
    expect: {
      outcomes: Array.from({ length: 5 }, () => ({
        error: { name: "TransportClosedError", exitCode: 4 },
      })),
    },
  },
  {
    name: "Input closed",
    server: "closes its stdin and lives on",
    client: "reject the next request when it cannot be written, and end the server",
    script: { on: { "config/read": [{ close: "stdin" }, { respond: {} }] } },
    acts: [{ request: "config/read" }, { turn: "Hi" }, { awaitEnd: true }],
    expect: {
      outcomes: [{ result: {} }, { error: { name: "TransportClosedError" } }, { kind: "failed" }],
    },
  },
  {
    name: "Output closed",
    server: "closes its stdout in the midst of a turn and lives on",
    client: "reject, and end the server",
    script: { on: { "turn/start": [...begun, { close: "stdout" }] } },
    acts: [{ turn: "Hi" }, { awaitEnd: true }],
    expect: {
      outcomes: [{ text: "Hel", error: { name: "TransportClosedError" } }, { kind: "failed" }],
    },
  },
  {
    name: "A write in flight",
    server: "ends while the client writes 16 MiB to it",
    client: "reject, and not die of the broken pipe",
    script: { start: [{ waitFor: "initialized" }, { waitForBytes: 1_000_000 }, { exit: 3 }] },
    acts: [
      {
        atOnce: [
          { request: "thread/name/set", params: { name: { repeatText: "x", times: 16_777_216 } } },
          { request: "config/read" },
        ],
      },
    ],
    expect: {
      outcomes: Array.from({ length: 2 }, () => ({
        error: { name: "TransportClosedError", exitCode: 3 },
      })),
    },
  },
  {
    name: "Input never read",
    server: "stops reading its stdin while the client writes",
    client: "reject when the client is closed, and end the server",
    script: { on: { "config/read": [{ stopReading: true }, { respond: {} }] } },
    acts: [
      { request: "config/read" },
      {
        atOnce: [
          { request: "thread/name/set", params: { name: { repeatText: "x", times: 4_194_304 } } },
          { close: true },
        ],
      },
    ],
    expect: {
      outcomes: [{ result: {} }, { error: { name: "TransportClosedError" } }, { kind: "closed" }],
    },
  },
  {
    name: "Flood on stderr",
    server: "writes 16 MiB to stderr in the midst of a turn",
    client: "read it all, so that the server goes on, and keep only its end",
    script: {
      on: {
        "turn/start": [
          acceptTurn(),
          { stderr: { repeatText: "x", times: 65_536 }, times: 256 },
          ...turnSteps("Hello.").slice(1),
        ],
      },
    },
    expect: { outcomes: [hello] },
  },
  {
    name: "A grandchild holds the pipes",
    server: "ends, while a process that it has started keeps its pipes open",
    client: "not wait for that process to learn that the server has ended",
    script: { on: { "turn/start": [...begun, { spawnHolder: "and is silent" }, { exit: 3 }] } },
    acts: [{ turn: "Hi" }, { awaitEnd: true }],
    expect: {
      outcomes: [
        { text: "Hel", error: { name: "TransportClosedError", exitCode: 3 } },
        { kind: "exited", exitCode: 3 },
      ],
      leaves: 1,
    },
  },
  {
    name: "A grandchild that logs on",
    server: "ends, while a process that it has started goes on writing to its stderr",
    client: "report how the server ended, and wait no longer for that process",
    script: { on: { "turn/start": [...begun, { spawnHolder: "and logs" }, { exit: 3 }] } },
    acts: [{ turn: "Hi" }, { awaitEnd: true }],
    expect: {
      outcomes: [
        { text: "Hel", error: { name: "TransportClosedError", exitCode: 3 } },
        { kind: "exited", exitCode: 3 },
      ],
      leaves: 1,
    },
  },
  {
    name: "A grandchild at the close",
    server: "is closed, while a process that it has started keeps its pipes open",
    client: "close in a bounded time",
    script: { on: { "config/read": [{ spawnHolder: "and is silent" }, { respond: {} }] } },
    acts: [{ request: "config/read" }, { close: true }],
    expect: { outcomes: [{ result: {} }, { kind: "closed", exitCode: 0 }], leaves: 1 },
  },
  {
    name: "Deaf to the end of its input",
    server: "does not end when its stdin does",
    client: "end it with SIGTERM",
    script: { survives: ["EOF"] },
    acts: [{ turn: "Hi" }, { close: true }],
    expect: { outcomes: [hello, { kind: "closed", exitCode: 0, signal: null }] },
  },
  {
    name: "Deaf to SIGTERM",
    server: "ends neither with its stdin nor by SIGTERM, with a turn running",
    client: "kill it in a bounded time",
    script: { on: { "turn/start": begun }, survives: ["EOF", "SIGTERM"] },
    acts: [{ atOnce: [{ turn: "Hi" }, { close: true }] }],
    expect: {
      outcomes: [
        { error: { name: "TransportClosedError" } },
        { kind: "closed", signal: "SIGKILL" },
      ],
    },
  },
];
