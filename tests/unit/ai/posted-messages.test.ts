import { expect, test } from "@jest/globals";
import { readPostedMessages } from "../../../lib/ai/index.js";

const user = (text: string) => ({ id: "u", role: "user", parts: [{ type: "text", text }] });
const answered = (approval: unknown, state = "approval-responded") => ({
  id: "a",
  role: "assistant",
  parts: [
    { type: "text", text: "Well." },
    { type: "dynamic-tool", state, approval },
  ],
});

test("only the newest message counts", () => {
  expect(
    readPostedMessages([user("old"), answered({ id: "k", approved: true }), user("new")]),
  ).toEqual({
    text: "new",
    input: [{ type: "text", text: "new" }],
    approvals: [],
  });
  expect(
    readPostedMessages([user("old"), answered({ id: "k", approved: true, reason: "ok" })]),
  ).toEqual({
    text: undefined,
    input: [],
    approvals: [{ key: "k", approved: true, reason: "ok" }],
  });
});

test("what is no clear yes is a no, and what is no answer is none", () => {
  const approvalsOf = (approval: unknown, state?: string) =>
    readPostedMessages([answered(approval, state)]).approvals.map(({ approved }) => approved);
  expect(approvalsOf({ id: "k", approved: "true" })).toEqual([false]);
  expect(approvalsOf({ id: "k", approved: false })).toEqual([false]);
  expect(approvalsOf({ id: "k", approved: true }, "approval-requested")).toEqual([]);
  expect(approvalsOf({ id: 5, approved: true })).toEqual([]);
});

test.each([
  undefined,
  null,
  "text",
  {},
  [],
  [null],
  [{ role: "user" }],
  [{ role: "system", parts: [] }],
])("a body that is none, %j, says nothing", (body) => {
  expect(readPostedMessages(body)).toEqual({ text: undefined, input: [], approvals: [] });
});

test("texts and files come in their order", () => {
  const url = "data:image/png;base64,AA==";
  const parts = [
    { type: "file", mediaType: "image/png", url },
    { type: "text", text: "one" },
    { type: "data-note", data: {} },
    { type: "text", text: "two" },
    { type: "file" },
  ];
  expect(readPostedMessages([{ role: "user", parts }])).toEqual({
    text: "one\ntwo",
    input: [
      { type: "file", url },
      { type: "text", text: "one" },
      { type: "text", text: "two" },
      { type: "file", url: "" },
    ],
    approvals: [],
  });
});
