import { describe, expect, test } from "@jest/globals";
import { checkKeys, checkOptions } from "../../../lib/errors/check-options.js";
import { InvalidArgumentError } from "../../../lib/index.js";

const keys = {
  approvalPolicy: true,
  approvalsReviewer: true,
  model: true,
  onApproval: true,
  sandbox: true,
  signal: true,
  timeoutMs: true,
} as const;

function errorOf(call: () => void): InvalidArgumentError {
  try {
    call();
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error;
  }
  throw new Error("It was taken.");
}

describe("a key that is not known", () => {
  test.each([
    ["onAproval", "onApproval"],
    ["onaproval", "onApproval"],
    ["onApprove", "onApproval"],
    ["approval_policy", "approvalPolicy"],
    ["sandboxMode", "sandbox"],
    ["sandboxPolicy", "sandbox"],
    ["sandBox", "sandbox"],
    ["timeout", "timeoutMs"],
    ["timeout_ms", "timeoutMs"],
    ["signl", "signal"],
    ["modle", "model"],
  ])("%s is refused, and %s is named", (key, nearest) => {
    const error = errorOf(() => {
      checkOptions("run()", { [key]: "s3cret" }, keys);
    });
    expect(error.argument).toBe(key);
    expect(error.message).toBe(`${key} is not an option of run(). Did you mean ${nearest}?`);
  });

  test.each(["zzz", "x", "", "constructor", "toString"])("%j is like no other", (key) => {
    const error = errorOf(() => {
      checkOptions("run()", { [key]: 1 }, keys);
    });
    expect(error.message).toBe(`${key || "a key"} is not an option of run()`);
  });

  test("__proto__ counts as a key when it is one", () => {
    const options: unknown = JSON.parse('{ "__proto__": { "sandbox": "read-only" } }');
    const error = errorOf(() => {
      checkOptions("run()", options, keys);
    });
    expect(error.argument).toBe("__proto__");
  });

  test("is not repeated when it looks like no name", () => {
    const key = `line\n${"x".repeat(200)}`;
    const error = errorOf(() => {
      checkOptions("run()", { [key]: 1 }, keys);
    });
    expect(error.message).toBe("a key is not an option of run()");
  });

  test("is said to belong elsewhere where that is known", () => {
    const elsewhere = { config: ": give it to startThread()" };
    const error = errorOf(() => {
      checkOptions("run()", { config: {} }, keys, { elsewhere });
    });
    expect(error.message).toBe("config is not an option of run(): give it to startThread()");
  });

  test("is not taken for one that would have no effect", () => {
    const ignored = { instructionSources: true, apiKey: true } as const;
    const error = errorOf(() => {
      checkOptions("run()", { apiKey: "s3cret", instructions: "" }, keys, { ignored });
    });
    expect(error.message).toBe("instructions is not an option of run()");
  });

  test("has its path where it lies deeper", () => {
    const error = errorOf(() => {
      checkKeys("restart", { timeout: 5 }, keys);
    });
    expect(error.argument).toBe("restart.timeout");
    expect(error.message).toBe("restart.timeout is not known. Did you mean restart.timeoutMs?");
  });
});

test.each([
  ["known keys", { sandbox: "read-only", timeoutMs: 5 }],
  ["an unknown one that is undefined", { onAproval: undefined }],
  ["an object without a prototype", Object.assign(Object.create(null), { model: "m" })],
  ["null as a value", { model: null }],
])("%s pass", (_, options) => {
  expect(() => {
    checkOptions("run()", options, keys);
  }).not.toThrow();
});

test.each([null, "text", 5, true, [], new Map([["model", "m"]]), () => undefined])(
  "what is no object of options is refused: %p",
  (options) => {
    const error = errorOf(() => {
      checkOptions("run()", options, keys);
    });
    expect(error.message).toBe("options must be an object");
  },
);
