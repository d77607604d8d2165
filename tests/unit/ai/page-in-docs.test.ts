import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";

const read = (file: string) => readFileSync(file, "utf8");

test("the page in the manual is that of the application, which a browser has run", () => {
  const [, block] = /```jsx\n(.*?)```/s.exec(read("docs/ai-sdk.md")) ?? [];
  expect(block).toBe(read("examples/apps/use-chat/page/chat.tsx"));
});

test("the server of the application has at most 30 lines", () => {
  expect(read("examples/apps/use-chat/server.ts").trimEnd().split("\n").length).toBeLessThan(31);
});
