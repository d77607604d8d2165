import { describe, expect, test } from "@jest/globals";
import { format, inspect } from "node:util";
import { AppServerError } from "../../../lib/errors/base.js";
import { ConnectError } from "../../../lib/errors/connect-errors.js";
import {
  MessageTooLargeError,
  ProtocolError,
  RequestTimeoutError,
  TransportClosedError,
  type CloseReason,
} from "../../../lib/errors/connection-errors.js";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { RetryLimitExceededError, ServerBusyError } from "../../../lib/errors/rpc-errors.js";
import {
  BinaryNotFoundError,
  HandshakeError,
  IncompatibleServerError,
  SpawnError,
} from "../../../lib/errors/start-errors.js";
import { TurnNotStartedError, TurnStreamError } from "../../../lib/turns/turn-errors.js";

const closed: CloseReason = { kind: "closed", exitCode: null, signal: null, stderrTail: "" };
const exited: CloseReason = { ...closed, kind: "exited" };
const dropped: CloseReason = { ...closed, kind: "dropped" };
const failure = new Error("write EPIPE");

const callAgain = "Call the Codex again, which starts another server, or start another client.";
const lookFirst = "The server may have carried it out: look before you repeat it.";

describe("TransportClosedError", () => {
  test("tells of a request that was not sent", () => {
    const error = new TransportClosedError({ ...exited, exitCode: 3 }, "thread/read", false);
    expect(error).toMatchObject({ sent: false, method: "thread/read" });
    expect(error.message).toBe(
      `The app-server process ended with code 3: thread/read was not sent. ${callAgain}`,
    );
  });

  test.each<[CloseReason, string | undefined, string]>([
    [closed, undefined, "The connection is closed. Start another client."],
    [
      dropped,
      undefined,
      "The connection dropped and is being restored. Call again: calls wait until it is back.",
    ],
    [closed, "thread/read", `The connection is closed while thread/read was pending. ${lookFirst}`],
    [exited, undefined, `The app-server process ended. ${callAgain}`],
    [
      { ...exited, exitCode: 0 },
      undefined,
      `The app-server process ended with code 0. ${callAgain}`,
    ],
    [
      { ...exited, exitCode: 3 },
      "the turn",
      `The app-server process ended with code 3 while the turn was pending. ${lookFirst}`,
    ],
    [
      { ...exited, signal: "SIGKILL" },
      undefined,
      `The app-server process ended by SIGKILL. ${callAgain}`,
    ],
    [
      { ...exited, kind: "failed" },
      undefined,
      `The connection to the app-server failed. ${callAgain}`,
    ],
    [
      { ...exited, kind: "failed", error: failure },
      "turn/start",
      `The connection to the app-server failed (write EPIPE) while turn/start was pending. ${lookFirst}`,
    ],
    [
      { ...exited, exitCode: 1, stderrTail: "  out of memory\n" },
      undefined,
      `The app-server process ended with code 1. ${callAgain}`,
    ],
  ])("%j, %s", (reason, method, message) => {
    const error = new TransportClosedError(reason, method);
    expect(error.message).toBe(message);
    expect(error).toMatchObject({
      code: "TRANSPORT_CLOSED",
      exitCode: reason.exitCode,
      signal: reason.signal,
      stderrTail: reason.stderrTail,
    });
    expect(error.method).toBe(method);
    expect(error.cause).toBe(reason.error);
  });
});

describe("the end of stderr in a TransportClosedError", () => {
  const stderrTail =
    'panicked at "src/main.rs"\nError: invalid type: string "sk-1234", expected a map\n';
  const error = new TransportClosedError({ ...exited, exitCode: 101, stderrTail }, "turn/start");
  const shownTail =
    'The process wrote to stderr:\npanicked at "src/main.rs"\nError: invalid type: string, expected a map';

  test("is a property that neither the message nor JSON nor a copy shows", () => {
    expect(error.stderrTail).toBe(stderrTail);
    const texts = [error.message, String(error), error.stack, JSON.stringify(error)];
    const copies = [
      JSON.stringify(Object.assign({}, error)),
      JSON.stringify(structuredClone(error)),
    ];
    for (const text of [...texts, ...copies]) expect(text).not.toContain("panicked");
  });

  test("is shown by util.inspect, without values, under the stack, whatever the error is part of", () => {
    const shown = inspect(error);
    expect(shown).toContain("ended with code 101 while turn/start was pending.");
    expect(shown).toContain("messages.test.ts");
    expect(shown).toContain("exitCode: 101");
    expect(shown.endsWith(shownTail)).toBe(true);
    expect(inspect({ error }).replaceAll("\n  ", "\n")).toContain(shownTail);
    expect(inspect(new Error("outer", { cause: error })).replaceAll("\n  ", "\n")).toContain(
      shownTail,
    );
    expect(format("lost: %o", error)).toContain("panicked");
    expect(shown).not.toContain("sk-1234");
  });

  test("leaves the rest as it is shown when there is none", () => {
    const silent = new TransportClosedError({ ...exited, exitCode: 1, stderrTail: " \n" });
    expect(inspect(silent)).toMatch(
      /^TransportClosedError: The app-server process ended with code 1\./,
    );
    expect(inspect(silent)).not.toContain("stderr");
  });
});

test.each([
  [
    new ConnectError("ws://10.0.0.7:4500/x", "nobody listens there.", { retryable: true }),
    "CONNECT_FAILED",
  ],
  [Object.assign(new Error("connect ENOENT /run/secret.sock"), { code: "ENOENT" }), "ENOENT"],
  [
    Object.assign(new Error("/run/secret.sock"), { code: "ERR_STREAM_DESTROYED" }),
    "ERR_STREAM_DESTROYED",
  ],
  [new Error("the server closed its output"), "the server closed its output"],
])("the message of a connection that failed names no place: %s", (error, words) => {
  const closing = new TransportClosedError({ ...exited, kind: "failed", error });
  expect(closing.message).toBe(`The connection to the app-server failed (${words}). ${callAgain}`);
  expect(closing.cause).toBe(error);
});

const busy = new ServerBusyError({
  method: "turn/start",
  rpcCode: -32_001,
  message: "Server overloaded; retry later.",
  data: undefined,
});

test.each<[AppServerError, string, string]>([
  [
    new RequestTimeoutError("turn/start", 60_000),
    "REQUEST_TIMEOUT",
    "turn/start was not answered within 60000 ms; the server may still carry it out.",
  ],
  [
    new MessageTooLargeError("incoming", 65_536),
    "MESSAGE_TOO_LARGE",
    "An incoming message is larger than 65536 bytes. Raise maxMessageBytes if you expect that.",
  ],
  [new ProtocolError("That is not JSON."), "PROTOCOL_ERROR", "That is not JSON."],
  [
    new InvalidArgumentError("config.model_providers", "must be an object"),
    "INVALID_ARGUMENT",
    "config.model_providers must be an object",
  ],
  [busy, "SERVER_BUSY", "turn/start was refused: Server overloaded; retry later."],
  [
    new RetryLimitExceededError(busy, 6),
    "RETRY_LIMIT_EXCEEDED",
    "turn/start was refused: Server overloaded; retry later. (6 attempts)",
  ],
  [
    new BinaryNotFoundError(["CODEX_PATH: not set", "vendor-bin: empty"], "Run: npm install x"),
    "BINARY_NOT_FOUND",
    "No codex runtime was found. Tried:\n  - CODEX_PATH: not set\n  - vendor-bin: empty\n" +
      "Run: npm install x",
  ],
  [
    new SpawnError("/bin/codex", "it is not executable"),
    "SPAWN_FAILED",
    "Could not start /bin/codex: it is not executable",
  ],
  [
    new HandshakeError("The process ended.", "no config"),
    "HANDSHAKE_FAILED",
    "The process ended.\nThe process wrote to stderr:\nno config",
  ],
  [new HandshakeError("The process ended.", " \n"), "HANDSHAKE_FAILED", "The process ended."],
  [
    new IncompatibleServerError("0.150.1", "0.155.1"),
    "INCOMPATIBLE_SERVER",
    "codex app-server 0.150.1 is older than 0.155.1, the oldest supported release. Install a newer " +
      "runtime, or set allowUnsupportedServer: true to go on at your own risk.",
  ],
  [
    new TurnNotStartedError(),
    "TURN_NOT_STARTED",
    "The turn was interrupted before it was sent to the server. Start it again if it is still wanted.",
  ],
  [new TurnStreamError("Taken."), "TURN_STREAM_UNAVAILABLE", "Taken."],
])("%s", (error, code, message) => {
  expect(error).toBeInstanceOf(AppServerError);
  expect(error.code).toBe(code);
  expect(error.message).toBe(message);
  expect(error.name).toBe(error.constructor.name);
  expect(error.stack).toContain(error.name);
});

test("the limit error keeps the last refusal and the number of attempts", () => {
  const error = new RetryLimitExceededError(busy, 6);
  expect(error).toBeInstanceOf(ServerBusyError);
  expect(error.cause).toBe(busy);
  expect(error).toMatchObject({ attempts: 6, rpcCode: -32_001, method: "turn/start" });
});

test("a secret in the process's last words is not repeated in the message", () => {
  const stderrTail = 'Error: invalid type: string "sk-1234", expected a boolean';
  const { message } = new HandshakeError("The process ended.", stderrTail);
  expect(message).toContain("invalid type: string, expected a boolean");
  expect(message).not.toContain("sk-1234");
});
