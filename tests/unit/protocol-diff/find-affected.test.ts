import { afterAll, beforeAll, expect, test } from "@jest/globals";
import path from "node:path";
import {
  findAffected,
  type AffectedByChange,
} from "../../../scripts/protocol-diff/find-affected.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { writeTree } from "../runtime/file-tree.js";
import { compare, withArm } from "./surfaces.js";

const before = {
  Thread: "{ id: string, position: number, status: Status, meta: { note: string, }, }",
  Status: '"idle" | "busy" | "failed"',
  Item: '{ type: "text", body: string, } | { type: "image", body: string, url: string, }',
  ThreadStartParams: "{ cwd: string, mode: string | null, }",
  ThreadStartResponse: "{ thread: Thread, items: Array<Item>, }",
  ClientRequest: withArm("ClientRequest", "thread/find", "FindParams"),
  FindParams: "{ text: string, }",
  FindResponse: "{ ids: Array<string>, }",
  ServerNotification: withArm("ServerNotification", "error", "ErrorNotification"),
  ErrorNotification: "{ message: string, }",
};
const changes = compare(before, {
  Thread: "{ id: string, status: Status, meta: { }, added: Added, }",
  Added: "{ x: number, }",
  Status: '"idle" | "busy" | "gone"',
  Item: '{ type: "text", } | { type: "audio", }',
  ThreadStartParams: "{ cwd: string, }",
  ThreadStartResponse: before.ThreadStartResponse,
  ClientRequest: withArm("ClientRequest", "thread/seek", "SeekParams"),
  SeekParams: "{ query: string, }",
  SeekResponse: "{ found: boolean, }",
});

const types = `
export interface Thread { id: string; position: number; status: Status; meta: { note: string } }
export type Status = "idle" | "busy" | "failed";
export type Item =
  | { type: "text"; body: string }
  | { type: "image"; body: string; url: string };
export interface ThreadStartParams { cwd: string; mode?: string | null }
`;
const library = `import type { Item, Status, Thread, ThreadStartParams } from "../generated/types.js";
type Sent = { [K in keyof ThreadStartParams]: ThreadStartParams[K] };
type Method = "thread/find" | "thread/start" | "error";
export function read(thread: Thread, item: Item, other: { position: number; url: string; note: string }) {
  console.log(other.position, other.url, other.note);
  console.log(thread.position);
  const { position } = thread;
  console.log(thread.meta.note, thread["position"], position);
  if (thread.status === "busy") return;
  if (thread.status === "failed") return;
  const word = "failed" as string;
  if (word === "failed") return;
  switch (item.type) {
    case "image":
      console.log(item.url, item.body);
      break;
    case "text":
      console.log(item.body);
  }
}
export function start(send: (method: Method, params: Sent) => void, on: (name: string) => void) {
  send("thread/start", { cwd: "/", mode: "fast" });
  send("thread/find", { cwd: "/" });
  send("error", { cwd: "/" });
  on("error");
  on("thread/finder");
}
export const idle: Status = "failed";
export const strange = { mode: "fast", cwd: "/" };
`;

let temp: TempDir;
let affected: AffectedByChange;

beforeAll(async () => {
  temp = await makeTempDir();
  const root = path.join(temp.path, "project");
  await writeTree(root, {
    "package.json": '{ "type": "module" }',
    "tsconfig.json": JSON.stringify({
      compilerOptions: {
        module: "NodeNext",
        target: "ES2023",
        strict: true,
        types: [],
        lib: ["ES2023", "DOM"],
        noEmit: true,
      },
      include: ["lib", "generated", "tests", "examples"],
    }),
    "generated/types.ts": types,
    "lib/index.ts": 'export type { Thread } from "../generated/types.js";\n',
    "lib/read.ts": library,
    "tests/find.test.ts":
      'export const calls = (client: { rpc: any; other: any }) => [\n  client.rpc.thread.find({}),\n  client.other.thread.find({}),\n  "thread/find",\n];\n',
    "examples/01.ts":
      'import type { Thread } from "codex-app-server-sdk";\nexport const place = (thread: Thread) => thread.position;\n',
    "docs/guide.md":
      "# Guide\n\nCall `thread/find`, not thread/finder or my-thread/find.\n\nAn error is an error.\n",
    "docs/coverage.md":
      "# Protocol coverage\n\n## Client requests\n\n| method | offered as | test |\n| --- | --- | --- |\n| `thread/find` | `codex.find()` | `tests/real/find.test.ts` |\n",
    "README.md": "thread/find\n",
  });
  affected = await findAffected(changes, root, {
    offersOf: ({ method }) => (method === "thread/started" ? [] : [`codex.call("${method}")`]),
  });
});

afterAll(async () => {
  await temp.remove();
});

const of = (id: string) => {
  const found = affected.get(id);
  if (!found) throw new Error(`There is no ${id}; there are ${[...affected.keys()].join(", ")}`);
  return found;
};

test("every change has an entry", () => {
  expect([...affected.keys()]).toEqual(changes.changes.map(({ id }) => id));
});

test("a method affects the places with its name or its function, its documents and its test", () => {
  expect(of("clientRequests thread/find removed")).toEqual({
    api: ['codex.call("thread/find")'],
    code: ["lib/read.ts:3", "lib/read.ts:23"],
    tests: ["tests/find.test.ts:2", "tests/find.test.ts:4", "tests/real/find.test.ts"],
    examples: [],
    scripts: [],
    docs: ["README.md:1", "docs/guide.md:3"],
  });
});

test("a method whose name is a word like others is found only where a method is wanted", () => {
  expect(of("serverNotifications error removed")).toMatchObject({
    code: ["lib/read.ts:24"],
    docs: [],
  });
});

test("a field affects the places that read it from a value of its type, however they do", () => {
  expect(of("field Thread.position removed")).toMatchObject({
    code: ["lib/read.ts:6", "lib/read.ts:7", "lib/read.ts:8"],
    examples: ["examples/01.ts:2"],
  });
  expect(of("field Thread.meta.note removed").code).toEqual(["lib/read.ts:8"]);
  expect(of("field Thread.added added").code).toEqual(["lib/read.ts"]);
});

test("a field that we send affects the places that give it, through mapped types, too", () => {
  expect(of("field ThreadStartParams.mode removed").code).toEqual(["lib/read.ts:22"]);
});

test("a field of one variant is not the same field of another", () => {
  expect(of("field Item(text).body removed").code).toEqual(["lib/read.ts:18"]);
});

test("a value affects the places where its enumeration is wanted, and no other of that word", () => {
  expect(of('value Status "failed" removed').code).toEqual(["lib/read.ts:10", "lib/read.ts:28"]);
  expect(of('value Status "gone" added').code).toEqual(["lib/read.ts"]);
});

test("a variant affects the places that tell it from the others", () => {
  expect(of("value Item image removed").code).toEqual(["lib/read.ts:14"]);
});

test("a type affects what is offered for the methods that it travels in", () => {
  expect(of("field Thread.position removed").api).toEqual(['codex.call("thread/start")']);
});
