import { describe, expect, test } from "@jest/globals";
import { AppServerError } from "../../../lib/errors/base.js";
import { ProtocolError } from "../../../lib/errors/connection-errors.js";
import {
  ExperimentalApiError,
  ExternalClockError,
  InternalRpcError,
  InvalidParamsError,
  InvalidRequestError,
  JsonRpcError,
  MethodNotFoundError,
  ParseError,
  ServerBusyError,
  ServerDrainingError,
  ThreadArchivedError,
  ThreadBusyError,
  ThreadNotFoundError,
  TurnNotActiveError,
} from "../../../lib/errors/rpc-errors.js";
import { isBeforeFirstTurn, toRpcError } from "../../../lib/errors/to-rpc-error.js";

type ErrorClass = new (...args: never[]) => AppServerError;

// What the real server answers, as far as it was observed.
const sentences: [number, string, ErrorClass, string][] = [
  [-32_700, "Parse error", ParseError, "PARSE_ERROR"],
  [-32_001, "Server overloaded; retry later.", ServerBusyError, "SERVER_BUSY"],
  [
    -32_603,
    "failed to submit turn input: ActiveTurnOutputSchemaMismatch",
    ThreadBusyError,
    "THREAD_BUSY",
  ],
  [
    -32_603,
    "error creating thread: Fatal error: Failed to initialize session: " +
      "features.current_time_reminder.clock_source is external, but no external current-time provider is available",
    ExternalClockError,
    "EXTERNAL_CLOCK_UNAVAILABLE",
  ],
  [-32_600, "Not initialized", InvalidRequestError, "INVALID_REQUEST"],
  [-32_600, "Already initialized", InvalidRequestError, "INVALID_REQUEST"],
  [
    -32_600,
    "thread/queue/list requires experimentalApi capability",
    ExperimentalApiError,
    "EXPERIMENTAL_API",
  ],
  [
    -32_600,
    "thread/start.dynamicTools requires experimentalApi capability",
    ExperimentalApiError,
    "EXPERIMENTAL_API",
  ],
  [
    -32_600,
    "askForApproval.granular requires experimentalApi capability",
    ExperimentalApiError,
    "EXPERIMENTAL_API",
  ],
  [-32_600, "Invalid request: missing field `params`", InvalidParamsError, "INVALID_PARAMS"],
  [-32_600, "expectedTurnId must not be empty", InvalidParamsError, "INVALID_PARAMS"],
  [-32_600, "input must not be empty", InvalidParamsError, "INVALID_PARAMS"],
  [-32_602, "input too large", InvalidParamsError, "INVALID_PARAMS"],
  [-32_600, "thread not found: 0199-8", ThreadNotFoundError, "THREAD_NOT_FOUND"],
  [-32_600, "no rollout found for thread id 0199-8", ThreadNotFoundError, "THREAD_NOT_FOUND"],
  [
    -32_600,
    "thread 0199-8 is not materialized yet; turns are unavailable",
    ThreadNotFoundError,
    "THREAD_NOT_FOUND",
  ],
  [-32_600, "thread 0199-8 already has an active writer", ThreadBusyError, "THREAD_BUSY"],
  [-32_600, "cannot steer a review turn", ThreadBusyError, "THREAD_BUSY"],
  [-32_600, "cannot steer a compact turn", ThreadBusyError, "THREAD_BUSY"],
  [
    -32_603,
    "failed to submit turn input: ActiveTurnNotSteerable { turn_kind: Review }",
    ThreadBusyError,
    "THREAD_BUSY",
  ],
  [-32_600, "no active turn to steer", TurnNotActiveError, "TURN_NOT_ACTIVE"],
  [-32_600, "no active turn to interrupt", TurnNotActiveError, "TURN_NOT_ACTIVE"],
  [
    -32_600,
    "expected active turn id `0199-1` but found `0199-2`",
    TurnNotActiveError,
    "TURN_NOT_ACTIVE",
  ],
  [-32_600, "failed to load configuration: expected `=`", InvalidRequestError, "INVALID_REQUEST"],
  [-32_600, "Server is draining; retry after reconnecting", ServerDrainingError, "SERVER_DRAINING"],
  [-32_601, "list_turns is not supported yet", MethodNotFoundError, "METHOD_NOT_FOUND"],
  [-32_603, "something broke", InternalRpcError, "INTERNAL_ERROR"],
  [-32_042, "an MCP server's own", JsonRpcError, "RPC_ERROR"],
];

test.each(sentences)("%d %s", (code, message, type, name) => {
  const data = { reason: "structured" };
  const error = toRpcError("thread/read", { code, message, data });
  expect(error.constructor).toBe(type);
  expect(error).toBeInstanceOf(AppServerError);
  expect(error).toMatchObject({
    code: name,
    name: type.name,
    method: "thread/read",
    rpcCode: code,
    data,
    serverMessage: message,
  });
  expect(error.message.startsWith(`thread/read was refused: ${message}`)).toBe(true);
});

test("a server that shuts down is known by its reason, whatever its words", () => {
  const data = { reason: "serverShuttingDown" };
  const error = toRpcError("turn/start", { code: -32_600, message: "come back later", data });
  expect(error).toBeInstanceOf(ServerDrainingError);
  expect(error).toBeInstanceOf(InvalidRequestError);
});

describe("that a thread has not run a turn yet", () => {
  const refused = (method: string, code: number, message: string) =>
    isBeforeFirstTurn(toRpcError(method, { code, message }));

  test("is known in either of the server's ways to say it", () => {
    const loaded = "thread 0199-8 is not materialized yet; thread/turns/list is unavailable";
    expect(refused("thread/turns/list", -32_600, loaded)).toBe(true);
    // After an attempt to read it with its turns.
    expect(refused("thread/turns/list", -32_601, "list_turns is not supported yet")).toBe(true);
  });

  test("is not what other refusals mean", () => {
    expect(refused("thread/turns/list", -32_600, "thread not loaded: 0199-8")).toBe(false);
    expect(refused("thread/resume", -32_601, "list_turns is not supported yet")).toBe(false);
    expect(isBeforeFirstTurn(new Error("list_turns is not supported yet"))).toBe(false);
  });
});

describe("what the library adds to the server's sentence", () => {
  const neverRan =
    "A thread has no stored history before its first turn; if it has run one, check the id. Nothing is " +
    "stored of an ephemeral thread.";
  const messageOf = (code: number, message: string) =>
    toRpcError("turn/start", { code, message }).message;

  test.each([
    [-32_600, "no rollout found for thread id 0199-8", neverRan],
    [-32_601, "list_turns is not supported yet", neverRan],
    [
      -32_600,
      "thread 0199-8 already has an active writer",
      "Another process has this thread open: end that app-server, or fork the thread.",
    ],
    [
      -32_603,
      "failed to submit turn input: ActiveTurnNotSteerable { turn_kind: Compact }",
      "Wait until the review or compaction has ended.",
    ],
    [
      -32_600,
      "thread/queue/list requires experimentalApi capability",
      "Start the client with experimentalApi: true.",
    ],
  ])("%d %s", (code, message, advice) => {
    expect(messageOf(code, message)).toBe(`turn/start was refused: ${message}. ${advice}`);
  });

  test.each([
    ["thread/unarchive", "thread 0199-8 already has an active writer", "is not archived"],
    ["thread/archive", "thread 0199-8 already has an active writer", "do it there"],
    ["thread/archive", "no rollout found for thread id 0199-8", "It may be archived already."],
    ["thread/read", "thread not loaded: 0199-8", "Check the id."],
    ["turn/start", "thread not found: 0199-8", "Resume a thread that is not loaded"],
    ["turn/steer", "cannot steer a review turn", "Wait until the review or compaction has ended."],
    ["thread/goal/get", "goals feature is disabled", "config: { features: { goals: true } }"],
  ])("of %s to %j is %j", (method, message, advice) => {
    const error = toRpcError(method, { code: -32_600, message });
    expect(error.message.startsWith(`${method} was refused: ${message}. `)).toBe(true);
    expect(error.message).toContain(advice);
  });

  test("takes the place of a command for the shell when the thread is archived", () => {
    const message =
      "session 0199-8 is archived. Run `codex unarchive 0199-8` to unarchive it first.";
    const error = toRpcError("thread/resume", { code: -32_600, message });
    expect(error).toBeInstanceOf(ThreadArchivedError);
    expect(error).toMatchObject({ code: "THREAD_ARCHIVED", method: "thread/resume" });
    expect(error.message).toBe(
      "thread/resume was refused: thread 0199-8 is archived. Call unarchiveThread(id) first.",
    );
  });

  test("is nothing when the sentence says it all", () => {
    expect(messageOf(-32_600, "no active turn to steer")).toBe(
      "turn/start was refused: no active turn to steer",
    );
  });
});

test("an unknown method is told without the list of all the others", () => {
  const variants = Array.from({ length: 187 }, (_value, index) => `\`method/${index}\``).join(", ");
  const message = `Invalid request: unknown variant \`thread/fly\`, expected one of ${variants}`;
  const error = toRpcError("thread/fly", { code: -32_600, message });
  expect(error).toBeInstanceOf(MethodNotFoundError);
  expect(error.message).toBe(
    "thread/fly was refused: the server does not know this method. " +
      "Its release may be too old or too new for this call: compare serverInfo.version with RUNTIME_VERSION.",
  );
});

describe("values that the server quotes do not reach the message", () => {
  const secret = "sk-1234";

  test.each([
    [`unknown variant \`${secret}\`, expected one of \`never\`, \`always\``, "`never`, `always`"],
    [`unknown variant \`a\`${secret}\`, expected one of \`never\``, "expected one of `never`"],
    [`invalid type: string "${secret}", expected u32`, "invalid type: string, expected u32"],
    [`invalid type: string "a \\"${secret}\\", b", expected u32`, "string, expected u32"],
    [`invalid type: string "a, expected ${secret}", expected a map`, "string, expected a map"],
    [
      `invalid value: string "${secret}", expected a path`,
      "invalid value: string, expected a path",
    ],
    ["invalid value: integer `1234`, expected u8", "invalid value: integer, expected u8"],
    ["invalid type: floating point `12.34`, expected u8", "floating point, expected u8"],
    ["invalid type: boolean `true`, expected a string", "invalid type: boolean, expected a string"],
    ["invalid type: null, expected a string", "invalid type: null, expected a string"],
  ])("Invalid request: %s", (problem, rest) => {
    const error = toRpcError("turn/start", {
      code: -32_600,
      message: `Invalid request: ${problem}`,
    });
    expect(error).toBeInstanceOf(InvalidParamsError);
    expect(error.message).toContain(rest);
    expect(error.message).not.toMatch(/1234|12\.34|`true`/);
    expect(error).toMatchObject({
      serverMessage: expect.not.stringMatching(/1234|12\.34|`true`/),
    });
  });

  test("whatever the code is", () => {
    for (const code of [-32_602, -32_603, -32_000]) {
      const message = `failed: invalid type: string "${secret}", expected u32`;
      expect(toRpcError("turn/start", { code, message }).message).not.toContain(secret);
    }
  });

  test("the names of fields do", () => {
    const error = toRpcError("turn/start", {
      code: -32_600,
      message: "Invalid request: missing field `threadId`",
    });
    expect(error.message).toBe("turn/start was refused: Invalid request: missing field `threadId`");
  });
});

describe("an answer that is no proper error is a ProtocolError", () => {
  test.each<[unknown]>([
    [null],
    [undefined],
    ["no"],
    [7],
    [{}],
    [{ message: "no code" }],
    [{ code: "-32600", message: "a string as code" }],
  ])("%j", (value) => {
    const error = toRpcError("thread/read", value);
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error.message).toMatch(/^thread\/read got a malformed answer: /);
  });

  test("but a code without a message is enough", () => {
    const error = toRpcError("thread/read", { code: -32_600 });
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toBe("thread/read was refused: no message");
  });
});
