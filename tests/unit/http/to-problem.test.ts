import { describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { problemsByCode, problemsByReason } from "../../../lib/http/problem-table.js";
import { toProblem, toProblemResponse } from "../../../lib/http/to-problem.js";
import {
  ConnectError,
  GoalFailedError,
  RestartLimitError,
  TransportClosedError,
  TurnFailedError,
  type GoalResult,
  type TurnResult,
} from "../../../lib/index.js";
import { errorExamples } from "../../support/error-examples.js";

const examples = Object.entries(errorExamples).map(([code, error]) => ({ code, error }));

/** A turn that failed for this reason, with words in which there is a secret. */
function failedTurn(codexErrorInfo: unknown): TurnResult {
  const error = { message: "sk-secret at /home/me", codexErrorInfo, additionalDetails: null };
  return { status: "failed", error, items: [] } as unknown as TurnResult;
}

describe("every error of this library", () => {
  test.each(examples)("$code has a status, a sentence and its code", ({ code, error }) => {
    const { status, headers, body } = toProblem(error);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(body).toMatchObject({ status, code });
    expect(body.title).toMatch(/^[A-Z][^:/\\{}`]+\.$/);
    expect(body.type).toMatch(/^urn:codex-app-server-sdk:problem:[A-Za-z_:]+$/);
    expect(headers).toMatchObject({ "content-type": "application/problem+json" });
    expect(Object.keys(body).sort()).toEqual(
      ["code", ...("reason" in body ? ["reason"] : []), "status", "title", "type"].sort(),
    );
  });

  test("is decided in the table, by its own code, and the table knows no others", () => {
    expect(Object.keys(problemsByCode).sort()).toEqual(examples.map(({ code }) => code).sort());
  });

  test("says when to come back exactly where that helps", () => {
    const kinds = [...Object.values(problemsByCode), ...Object.values(problemsByReason)];
    for (const { status, retryAfter } of kinds) {
      if (status === 503) expect(retryAfter).toBeGreaterThan(0);
      else if (status !== 429) expect(retryAfter).toBeUndefined();
    }
  });

  test("repeats nothing of its own words, nor of what it carries", () => {
    const secret = "sk-secret";
    for (const { error } of examples) {
      const spoiled = Object.assign(Object.create(error) as typeof error, {
        message: secret,
        stderrTail: secret,
        serverMessage: secret,
        argument: secret,
        method: secret,
        cause: new Error(secret),
        stack: secret,
      });
      const problem = toProblem(spoiled);
      expect(problem.body.code).toBe(error.code);
      expect(JSON.stringify(problem)).not.toContain(secret);
    }
  });
});

describe("a turn that failed", () => {
  test.each([
    ["usageLimitExceeded", 429],
    ["rateLimitExceeded", 429],
    ["contextWindowExceeded", 422],
    ["cyberPolicy", 422],
    ["serverOverloaded", 503],
    ["unauthorized", 500],
  ])("for %s is %i", (reason, status) => {
    const problem = toProblem(new TurnFailedError(failedTurn(reason)));
    expect(problem).toMatchObject({ status, body: { code: "TURN_FAILED", reason } });
    expect(JSON.stringify(problem)).not.toMatch(/secret|home/);
  });

  test("since the provider does not take the login is the operator's business, not the user's", () => {
    const info = { httpConnectionFailed: { httpStatusCode: 401 } };
    expect(toProblem(new TurnFailedError(failedTurn(info)))).toMatchObject({ status: 500 });
    const other = { httpConnectionFailed: { httpStatusCode: 500 } };
    expect(toProblem(new TurnFailedError(failedTurn(other)))).toMatchObject({
      status: 503,
      headers: { "retry-after": "5" },
    });
  });

  test("as the last one of a goal says why, too; what is no name of a reason is not repeated", () => {
    const goal = new GoalFailedError(
      { turns: [] } as unknown as GoalResult,
      failedTurn("usageLimitExceeded"),
    );
    expect(toProblem(goal)).toMatchObject({ status: 429, body: { code: "GOAL_FAILED" } });
    for (const odd of ["see /etc/passwd", "aNewReason", "constructor"]) {
      const problem = toProblem(new TurnFailedError(failedTurn(odd)));
      expect(problem.body).toMatchObject({ status: 502, reason: "other" });
    }
  });
});

test("what may have been carried out is not offered for repeating", () => {
  const reason = { kind: "exited", exitCode: 1, signal: null, stderrTail: "" } as const;
  const sent = toProblem(new TransportClosedError(reason, "turn/start"));
  expect(sent.status).toBe(502);
  expect(sent.headers).not.toHaveProperty("retry-after");
  const unsent = toProblem(new TransportClosedError(reason, "turn/start", false));
  expect(unsent).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
});

test("retry-after is what the error says, where it says so", () => {
  const limited = toProblem(new RestartLimitError(5, 12_345, new Error("no")));
  expect(limited).toMatchObject({ status: 503, headers: { "retry-after": "13" } });
  const refused = new ConnectError("ws://localhost", "no.", { retryable: false });
  expect(toProblem(refused)).toMatchObject({ status: 500, body: { code: "CONNECT_FAILED" } });
});

test.each([
  new Error("sk-secret"),
  "sk-secret",
  undefined,
  null,
  { code: "sk-secret", status: 200 },
  Object.assign(new Error("sk-secret"), { code: "ENOENT", path: "/home/me" }),
])("an error of others is told without any detail", (error) => {
  const problem = toProblem(error);
  expect(problem).toMatchObject({ status: 500, body: { code: "UNKNOWN" } });
  expect(JSON.stringify(problem)).not.toMatch(/secret|home|ENOENT/);
});

const httpError = (statusCode: number) =>
  Object.assign(new Error("sk-secret"), { expose: true, status: statusCode, statusCode });
const fastifyError = (statusCode: number) =>
  Object.assign(new Error("sk-secret"), { code: "FST_ERR_CTP_SOMETHING", statusCode });
const honoError = (status: number) =>
  Object.assign(new Error("sk-secret"), { status, getResponse: () => new Response() });

describe.each([
  ["Express", httpError],
  ["Fastify", fastifyError],
  ["Hono", honoError],
])("what %s refuses", (_framework, make) => {
  test.each([
    [400, "BAD_REQUEST"],
    [401, "UNAUTHORIZED"],
    [404, "NOT_FOUND"],
    [413, "BAD_REQUEST"],
    [415, "BAD_REQUEST"],
    [429, "BAD_REQUEST"],
  ])("with %i stays that, in our words", (status, code) => {
    const problem = toProblem(make(status));
    expect(problem).toMatchObject({ status, body: { status, code } });
    expect(JSON.stringify(problem)).not.toContain("secret");
  });

  test("with a status of the server's own is ours to mend", () => {
    for (const status of [200, 500, 503]) expect(toProblem(make(status)).status).toBe(500);
  });
});

test.each([
  { status: 401 },
  { statusCode: 404 },
  { status: 404, statusCode: 404, expose: false },
  { code: "ERR_BAD_REQUEST", status: 400 },
])("the status of somebody else's answer is no status of ours: %j", (fields) => {
  const error = Object.assign(new Error("sk-secret"), fields);
  expect(toProblem(error)).toMatchObject({ status: 500, body: { code: "UNKNOWN" } });
});

test("a time limit of the application's own is a time-out", async () => {
  const signal = AbortSignal.timeout(1);
  await new Promise((resolve) => {
    signal.addEventListener("abort", resolve);
  });
  expect(toProblem(signal.reason)).toMatchObject({ status: 504, body: { code: "UNKNOWN" } });
});

test("toProblemResponse() gives the same to those who answer with a Response", async () => {
  const response = toProblemResponse(errorExamples.CODEX_DRAINING);
  expect(response.status).toBe(503);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("retry-after")).toBe("1");
  expect(await response.json()).toEqual(toProblem(errorExamples.CODEX_DRAINING).body);
});

describe("the tables in docs/web.md", () => {
  const lines = readFileSync("docs/web.md", "utf8").split("\n");
  const rows = lines.flatMap((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    return /^`\w+`$/.test(cells[1] ?? "") && cells.length === 6 ? [cells.slice(1, 5)] : [];
  });

  test("are those of the code", () => {
    const expected = [problemsByCode, problemsByReason].flatMap((table) =>
      Object.entries(table).map(([name, { status, retryAfter, title }]) => [
        `\`${name}\``,
        String(status),
        retryAfter === undefined ? "" : `${retryAfter} s`,
        title,
      ]),
    );
    expect(rows).toEqual(expected);
  });
});
