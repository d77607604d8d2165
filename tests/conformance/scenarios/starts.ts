import { initialized } from "../../support/scripted-server-messages.js";
import type { Scenario } from "../scenario.js";

const hello = { status: "completed", finalResponse: "Hello." };
const noServer = { name: "HandshakeError" };

/** Starts that fail, and some that only look like it. */
export const starts: readonly Scenario[] = [
  {
    name: "Never answers",
    server: "does not answer `initialize`",
    client: "give up after `startTimeoutMs`, and end the process",
    script: { on: { initialize: [] } },
    options: { startTimeoutMs: 1_000 },
    expect: { outcomes: [{ error: { ...noServer, cause: "RequestTimeoutError" } }] },
  },
  {
    name: "Never answers, never ends",
    server: "does not answer `initialize`, and ignores the end of its stdin and SIGTERM",
    client: "give up after `startTimeoutMs`, and kill the process",
    script: { on: { initialize: [] }, survives: ["EOF", "SIGTERM"] },
    options: { startTimeoutMs: 1_000 },
    expect: { outcomes: [{ error: { ...noServer, cause: "RequestTimeoutError" } }] },
  },
  {
    name: "Answers with an error",
    server: "refuses `initialize`",
    client: "reject with that refusal as the cause, and end the process",
    script: {
      on: { initialize: [{ refuse: { code: -32_600, message: "Invalid clientInfo.name" } }] },
    },
    expect: { outcomes: [{ error: { ...noServer, cause: "InvalidRequestError" } }] },
  },
  {
    name: "Exits without a word",
    server: "ends at once, with code 0",
    client: "reject with how it ended",
    script: { start: [{ exit: 0 }] },
    expect: { outcomes: [{ error: { ...noServer, cause: "TransportClosedError" } }] },
  },
  {
    name: "Exits with a reason",
    server: "ends at once, with code 1 and a line on stderr",
    client: "reject with how it ended and with that line",
    script: { start: [{ stderr: "CODEX_HOME does not exist\n" }, { exit: 1 }] },
    expect: { outcomes: [{ error: { ...noServer, cause: "TransportClosedError" } }] },
  },
  {
    name: "Another program",
    server: "prints its usage and ends",
    client: "reject: this is no app-server",
    script: { start: [{ line: "Usage: program [OPTIONS]" }, { line: "{}" }, { exit: 2 }] },
    expect: { outcomes: [{ error: { ...noServer, cause: "TransportClosedError" } }] },
  },
  {
    name: "Output closed at the start",
    server: "closes its stdout instead of answering, and lives on",
    client: "reject, and end the process",
    script: { on: { initialize: [{ close: "stdout" }] } },
    expect: { outcomes: [{ error: { ...noServer, cause: "TransportClosedError" } }] },
  },
  {
    name: "Too old",
    server: "is of a release that loses turns, and says so in its user agent",
    client: "reject with both versions, and end the process",
    script: { on: { initialize: [{ respond: initialized("codex/0.150.0 (Linux)") }] } },
    expect: { outcomes: [{ error: { name: "IncompatibleServerError" } }] },
  },
  {
    name: "Newer than all that is known",
    server: "is of a release from the future",
    client: "work with it",
    script: { on: { initialize: [{ respond: initialized("codex/99.0.0 (Linux)") }] } },
    expect: { outcomes: [hello] },
  },
  {
    name: "Nothing in the answer",
    server: "answers `initialize` with an empty object",
    client: "work with it",
    script: { on: { initialize: [{ respond: {} }] } },
    expect: { outcomes: [hello] },
  },
  {
    name: "Talks before it is asked",
    server: "sends notifications, a request and noise before it answers `initialize`",
    client: "work with it",
    script: {
      start: [
        { line: "booting …" },
        { notify: "configWarning", params: { summary: "Using defaults.", details: null } },
        { ask: "item/commandExecution/requestApproval", id: 0, params: {} },
      ],
    },
    expect: { outcomes: [hello], answers: [{ id: 0, result: { decision: "decline" } }] },
  },
  {
    name: "Executable missing",
    server: "is not there",
    client: "reject with the places that were looked at",
    program: "missing",
    expect: { outcomes: [{ error: { name: "BinaryNotFoundError" } }] },
  },
  {
    name: "Not executable",
    server: "is a file without the permission to run",
    client: "reject with what to do about it",
    program: "not executable",
    expect: { outcomes: [{ error: { name: "SpawnError" } }] },
  },
  {
    name: "Another architecture",
    server: "is built for another processor",
    client: "reject with what this machine is",
    program: "of another machine",
    expect: { outcomes: [{ error: { name: "SpawnError" } }] },
  },
];
