import {
  acceptTurn,
  ofTurn,
  turnStarted,
  turnSteps,
} from "../../support/scripted-server-messages.js";
import type { JsonObject, Step } from "../../support/scripted-server.js";
import type { Scenario } from "../scenario.js";
import { askApproval } from "../steps.js";

const hello = { status: "completed", finalResponse: "Hello." };
const declined = { result: { decision: "decline" } };
const unknown = { code: -32_601, message: "this client does not know the method" };

/** A turn in whose midst the server asks, and that goes on when it was answered. */
function turnThatAsks(...steps: Step[]): Step[] {
  return [acceptTurn(), turnStarted(), ...steps, ...turnSteps("Hello.").slice(2)];
}

/** All that a server may ask, and what is no consent to it. */
const refusals: readonly (readonly [method: string, answer: JsonObject])[] = [
  ["item/commandExecution/requestApproval", declined],
  ["item/fileChange/requestApproval", declined],
  ["item/permissions/requestApproval", { result: { permissions: {}, scope: "turn" } }],
  ["item/tool/requestUserInput", { result: { answers: {} } }],
  ["item/tool/call", { result: { success: false } }],
  ["mcpServer/elicitation/request", { result: { action: "decline" } }],
  ["account/chatgptAuthTokens/refresh", { error: { code: -32_601 } }],
  ["attestation/generate", { error: { code: -32_601 } }],
  ["currentTime/read", { result: {} }],
  ["applyPatchApproval", { result: { decision: { denied: {} } } }],
  ["execCommandApproval", { result: { decision: { denied: {} } } }],
];

/** Requests of the server: each needs one answer, and no answer may be a consent by accident. */
export const serverRequests: readonly Scenario[] = [
  {
    name: "Approval nobody decides",
    server: "asks whether it may run a command, and waits for the answer",
    client: "refuse at once, so that the turn goes on",
    script: { on: { "turn/start": turnThatAsks(askApproval(0), { waitForAnswer: 0 }) } },
    expect: { outcomes: [hello], answers: [{ id: 0, ...declined }] },
  },
  {
    name: "Everything a server can ask",
    server: "makes each request of the protocol once, to a client without handlers",
    client: "answer each at once, in its own shape, and grant nothing",
    script: {
      on: {
        "turn/start": turnThatAsks(
          ...refusals.flatMap(([ask], id): Step[] => [
            { ask, id, params: { ...ofTurn, itemId: "item", callId: "item" } },
            { waitForAnswer: id },
          ]),
        ),
      },
    },
    expect: {
      outcomes: [hello],
      answers: refusals.map(([, answer], id) => ({ id, ...answer })),
    },
  },
  {
    name: "Approval",
    server: "asks whether it may run a command",
    client: "answer what the application has decided",
    script: { on: { "turn/start": turnThatAsks(askApproval(0), { waitForAnswer: 0 }) } },
    options: { approvals: "accepts" },
    expect: { outcomes: [hello], answers: [{ id: 0, result: { decision: "accept" } }] },
  },
  {
    name: "A handler that throws",
    server: "asks whether it may run a command",
    client: "refuse when the application's handler fails",
    script: { on: { "turn/start": turnThatAsks(askApproval(0), { waitForAnswer: 0 }) } },
    options: { approvals: "throws" },
    expect: { outcomes: [hello], answers: [{ id: 0, ...declined }] },
  },
  {
    name: "A handler that never answers",
    server: "asks, does not get an answer, and withdraws the question",
    client: "hold up nothing else meanwhile, and answer nothing afterwards",
    script: {
      on: {
        "account/read": [{ respond: {} }],
        "turn/start": turnThatAsks(
          askApproval(0),
          { waitFor: "account/read" },
          {
            notify: "serverRequest/resolved",
            params: { threadId: "{{params.threadId}}", requestId: 0 },
          },
        ),
      },
    },
    options: { approvals: "never answers" },
    acts: [{ atOnce: [{ turn: "Hi" }, { request: "account/read" }] }],
    expect: { outcomes: [hello, { result: {} }], answers: [] },
  },
  {
    name: "A question that dies with its turn",
    server: "asks, and ends the turn without waiting for the answer",
    client: "end the turn, and answer nothing afterwards",
    script: { on: { "turn/start": turnThatAsks(askApproval(0)) } },
    options: { approvals: "never answers" },
    expect: { outcomes: [hello], answers: [] },
  },
  {
    name: "A question that dies with the server",
    server: "asks, and ends while the application decides",
    client: "reject the turn",
    script: { on: { "turn/start": [acceptTurn(), turnStarted(), askApproval(0), { exit: 1 }] } },
    options: { approvals: "never answers" },
    expect: { outcomes: [{ error: { name: "TransportClosedError", exitCode: 1 } }] },
  },
  {
    name: "String id",
    server: "makes requests with text for their ids, one of them the text of a number",
    client: "answer with the very id",
    script: {
      on: {
        "turn/start": turnThatAsks(askApproval("a b"), { waitForAnswer: "a b" }, askApproval("0"), {
          waitForAnswer: "0",
        }),
      },
    },
    expect: {
      outcomes: [hello],
      answers: [
        { id: "a b", ...declined },
        { id: "0", ...declined },
      ],
    },
  },
  {
    name: "Unknown method",
    server: "makes requests that nobody knows, `constructor` among them",
    client: "answer with an error at once",
    script: {
      on: {
        "turn/start": turnThatAsks(
          { ask: "item/hologram/requestApproval", id: 0, params: ofTurn },
          { waitForAnswer: 0 },
          { ask: "constructor", id: 1 },
          { waitForAnswer: 1 },
        ),
      },
    },
    expect: {
      outcomes: [hello],
      answers: [
        { id: 0, error: unknown },
        { id: 1, error: unknown },
      ],
    },
  },
  {
    name: "The same id twice",
    server: "sends one request twice, as it does when a thread is resumed",
    client: "ask the application once, and answer once",
    script: {
      on: {
        "turn/start": turnThatAsks(
          { together: [askApproval(0), askApproval(0)] },
          { waitForAnswer: 0 },
          askApproval(0),
        ),
      },
    },
    options: { approvals: "accepts" },
    expect: { outcomes: [hello], answers: [{ id: 0, result: { decision: "accept" } }] },
  },
  {
    name: "An id of our own",
    server: "makes a request with the id of the client's request that it is answering",
    client: "keep the two apart",
    script: {
      on: {
        "config/read": [
          { send: { id: "{{id}}", method: "item/hologram/requestApproval", params: {} } },
          { waitForUnanswered: 1 },
          { respond: { fine: true } },
        ],
        "account/read": [{ respond: {} }],
      },
    },
    acts: [{ request: "config/read" }, { request: "account/read" }],
    expect: {
      outcomes: [{ result: { fine: true } }, { result: {} }],
      answers: [{ error: unknown }],
    },
  },
  {
    name: "No id, or one that is none",
    server: "makes a request whose id is null, which nobody can answer",
    client: "skip it, and go on",
    script: {
      on: { "turn/start": turnThatAsks({ ...askApproval(0), id: null }) },
    },
    expect: { outcomes: [hello], answers: [] },
  },
];
