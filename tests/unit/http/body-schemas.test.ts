import { describe, expect, test } from "@jest/globals";
import { Ajv } from "ajv";
import { readFileSync } from "node:fs";
import type {
  AnswersBody,
  ApprovalBody,
  NewThreadBody,
  TurnBody,
} from "../../../lib/http/bodies.js";
import { bodySchemas } from "../../../lib/http/body-schemas.js";
import type {
  ApprovalDecision,
  StartThreadOptions,
  TurnInput,
  UserInputAnswers,
} from "../../../lib/index.js";
import { makeBodySchemas, target } from "../../../scripts/body-schemas/make-body-schemas.js";

// What the bodies say is what the library takes.
export const taken = {
  input: ({ input }: TurnBody): TurnInput => input,
  decision: ({ decision }: ApprovalBody): ApprovalDecision => decision,
  answers: ({ answers }: AnswersBody): UserInputAnswers => answers,
  thread: (body: NewThreadBody): StartThreadOptions => body,
};

const ajv = new Ajv({ strict: true, allErrors: true });
const accepts = (name: keyof typeof bodySchemas, body: unknown): boolean =>
  ajv.validate(bodySchemas[name], body);

const png = "data:image/png;base64,iVBORw0KGgo=";

test("they are those of the types", async () => {
  expect(readFileSync(target, "utf8")).toBe(await makeBodySchemas());
}, 120_000);

test("each has an id of its own, and every object in it is closed, but for the answers by question", () => {
  const ids = Object.entries(bodySchemas).map(([name, { $id, title }]) => {
    expect(title).toBe(name);
    return $id;
  });
  expect(new Set(ids).size).toBe(Object.keys(bodySchemas).length);
  const open: string[] = [];
  const look = (schema: unknown, path: string): void => {
    if (typeof schema !== "object" || schema === null) return;
    const { type, additionalProperties } = schema as Record<string, unknown>;
    if (type === "object" && additionalProperties !== false) open.push(path);
    for (const [key, value] of Object.entries(schema)) look(value, `${path}/${key}`);
  };
  look(bodySchemas, "");
  expect(open).toEqual(["/AnswersBody/properties/answers"]);
});

describe("the body of a turn", () => {
  test.each(["TurnBody", "SteerBody"] as const)("as %s may say what a user says", (name) => {
    expect(accepts(name, { input: "Hello" })).toBe(true);
    const list = [
      { type: "text", text: "What is this?" },
      { type: "image", url: png },
    ];
    expect(accepts(name, { input: list })).toBe(true);
  });

  test.each<[string, unknown]>([
    ["nothing", {}],
    ["an empty text", { input: "" }],
    ["an empty list", { input: [] }],
    ["too many pieces", { input: Array.from({ length: 33 }, () => ({ type: "text", text: "a" })) }],
    ["too long a text", { input: "a".repeat(1_048_577) }],
    ["a file of the server", { input: [{ type: "localImage", path: "/etc/passwd" }] }],
    ["a sound file", { input: [{ type: "localAudio", path: "/etc/passwd" }] }],
    ["a path beside a text", { input: [{ type: "text", text: "a", path: "/etc/passwd" }] }],
    ["a remote picture", { input: [{ type: "image", url: "http://169.254.169.254/" }] }],
    ["a file URL", { input: [{ type: "image", url: "file:///etc/passwd" }] }],
    ["no picture", { input: [{ type: "image", url: "data:text/html;base64,AAAA" }] }],
    ["a skill", { input: [{ type: "skill", name: "a", path: "/a/SKILL.md" }] }],
    ["a mention", { input: [{ type: "mention", name: "a", path: "/a" }] }],
    ["a directory", { input: "a", cwd: "/" }],
    ["a sandbox", { input: "a", sandbox: "danger-full-access" }],
    ["an approval policy", { input: "a", approvalPolicy: "never" }],
    ["configuration", { input: "a", config: {} }],
    ["a model", { input: "a", model: "dear" }],
    ["a schema", { input: "a", outputSchema: {} }],
    ["a list in place of it", [{ input: "a" }]],
  ])("may not bring %s", (_, body) => {
    expect(accepts("TurnBody", body)).toBe(false);
  });
});

test("the other bodies take what they name, and nothing else", () => {
  expect(accepts("NewThreadBody", {})).toBe(true);
  expect(accepts("NewThreadBody", { ephemeral: true })).toBe(true);
  for (const extra of ["cwd", "sandbox", "config", "tools", "approvalPolicy", "trustProject"]) {
    expect(accepts("NewThreadBody", { [extra]: "x" })).toBe(false);
  }
  const key = "request-1";
  for (const decision of ["accept", "decline", "cancel"]) {
    expect(accepts("ApprovalBody", { key, decision })).toBe(true);
    expect(accepts("SessionApprovalBody", { key, decision })).toBe(true);
  }
  expect(accepts("ApprovalBody", { key, decision: "acceptForSession" })).toBe(false);
  expect(accepts("SessionApprovalBody", { key, decision: "acceptForSession" })).toBe(true);
  const amendment = { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["rm"] } };
  expect(accepts("SessionApprovalBody", { key, decision: amendment })).toBe(false);
  expect(accepts("ApprovalBody", { key: "", decision: "accept" })).toBe(false);
  expect(accepts("AnswersBody", { key, answers: { q1: "Yes", q2: ["a", "b"] } })).toBe(true);
  expect(accepts("AnswersBody", { key, answers: { q1: 5 } })).toBe(false);
  expect(accepts("AnswersBody", { key, answers: {}, more: 1 })).toBe(false);
});
