import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import {
  createUIMessageChat,
  MemoryUIMessageChatStore,
  type UIMessageChat,
  type UIMessageChatOptions,
} from "../../../lib/ai/index.js";
import { Codex, InvalidArgumentError } from "../../../lib/index.js";
import { FakeAppServer } from "../../../lib/testing/index.js";

let server: FakeAppServer;
let codex: Codex;
const opened: UIMessageChat[] = [];

beforeAll(() => {
  server = new FakeAppServer();
  codex = new Codex({ server });
});
afterEach(async () => {
  for (const chat of opened.splice(0)) await chat.streams.close();
});
afterAll(() => codex.close());

function make(options: Partial<UIMessageChatOptions> = {}): UIMessageChat {
  const owner: UIMessageChatOptions["owner"] = ({ header }) => header("x-user");
  const chat = createUIMessageChat({ codex, owner, basePath: "/api/chat", ...options });
  opened.push(chat);
  return chat;
}

function ask(
  chat: UIMessageChat,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  const init = {
    method,
    headers: { "x-user": "ada", "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  return chat(new Request(`http://localhost/api/chat${path}`, init));
}

const says = (text: string, id = "c") => ({
  id,
  trigger: "submit-message",
  messages: [{ id: "u", role: "user", parts: [{ type: "text", text }] }],
});
const answers = (key: string, id = "c") => ({
  id,
  messages: [
    {
      id: "a",
      role: "assistant",
      parts: [{ state: "approval-responded", approval: { id: key, approved: true } }],
    },
  ],
});
const turnIn = (stream: string) => /"turnId":"([^"]+)"/.exec(stream)?.[1];
const threadIn = (stream: string) => /"threadId":"([^"]+)"/.exec(stream)?.[1];

describe("the routes", () => {
  test("stream a turn to its end, and once more for a page that was reloaded", async () => {
    const chat = make();
    const response = await ask(chat, "POST", "", says("Hello"));
    expect(response.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    const stream = await response.text();
    expect(stream.split("\n\n").at(-2)).toBe("data: [DONE]");
    expect(await (await ask(chat, "GET", "/c/stream")).text()).toBe(stream);
    const next = await (await ask(chat, "POST", "", says("And now?"))).text();
    expect(threadIn(next)).toBe(threadIn(stream));
    expect(turnIn(next)).not.toBe(turnIn(stream));
    expect(turnIn(await (await ask(chat, "GET", "/c/stream")).text())).toBe(turnIn(next));
  });

  test("keep the chats of two users apart, whatever their ids", async () => {
    const chat = make();
    const other = { "x-user": "eve" };
    const stream = await (await ask(chat, "POST", "", says("Hello"))).text();
    expect((await ask(chat, "GET", "/c/stream", undefined, other)).status).toBe(204);
    expect((await ask(chat, "POST", "/c/stop", {}, other)).status).toBe(404);
    expect((await ask(chat, "POST", "", answers("k"), other)).status).toBe(404);
    const theirs = await (await ask(chat, "POST", "", says("Hello"), other)).text();
    expect(threadIn(theirs)).not.toBe(threadIn(stream));
    const thread = threadIn(stream) ?? "";
    expect((await ask(chat, "GET", `/${thread}/stream`, undefined, other)).status).toBe(204);
    const named = await (await ask(chat, "POST", "", says("Mine?", thread), other)).text();
    expect(threadIn(named)).not.toBe(thread);
  });

  test.each([
    ["GET", ""],
    ["PUT", ""],
    ["GET", "/c"],
    ["GET", "/c/stop"],
    ["POST", "/c/constructor"],
    ["POST", "/c/stop/more"],
    ["POST", "/%/stop"],
  ])("do not include %s %s", async (method, path) => {
    const response = await ask(make(), method, path, method === "GET" ? undefined : {});
    expect(response.status).toBe(404);
    expect(await response.text()).toBe("This does not exist, or is not yours.");
  });

  test("end with nothing to show, to stop or to answer where there is no chat", async () => {
    const chat = make();
    expect((await ask(chat, "GET", "/none/stream")).status).toBe(204);
    expect((await ask(chat, "POST", "/none/stop", {})).status).toBe(404);
    expect((await ask(chat, "POST", "/none/answers", {})).status).toBe(404);
    await (await ask(chat, "POST", "", says("Hello"))).text();
    expect((await ask(chat, "POST", "", answers("a key of something else"))).status).toBe(404);
    expect((await ask(chat, "POST", "/c/stop", {})).status).toBe(204);
  });
});

describe("what is posted", () => {
  test.each<[unknown, number]>([
    [{ messages: says("x").messages }, 400],
    [{ id: "", messages: says("x").messages }, 400],
    [{ id: "x".repeat(257), messages: says("x").messages }, 400],
    [{ id: "c" }, 400],
    [{ id: "c", messages: [] }, 400],
    [says("   "), 400],
    [[], 400],
  ])("is refused when it is %j", async (body, status) => {
    const response = await ask(make(), "POST", "", body);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  });

  test("must come from a page of this site, be JSON, and not be too long", async () => {
    const chat = make({ maxBodyBytes: 1_000 });
    const from = (origin: string) => ask(chat, "POST", "", says("x"), { origin });
    expect((await from("https://evil.test")).status).toBe(403);
    const form = { "content-type": "text/plain" };
    expect((await ask(chat, "POST", "", says("x"), form)).status).toBe(415);
    expect((await ask(chat, "POST", "", says("x".repeat(1_000)))).status).toBe(413);
    expect((await ask(chat, "POST", "", says("x"), { "x-user": "" })).status).toBe(401);
  });

  test("by two windows at once is taken once", async () => {
    const chat = make();
    const responses = await Promise.all([
      ask(chat, "POST", "", says("one")),
      ask(chat, "POST", "", says("two")),
    ]);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 409]);
    await Promise.all(responses.map((response) => response.text()));
  });
});

test("a store of one's own says which thread a chat is, and another owner's thread stays theirs", async () => {
  const chats = new MemoryUIMessageChatStore();
  const first = make({ chats });
  const stream = await (await ask(first, "POST", "", says("Hello"))).text();
  // Another process knows the chat, but no turn of it.
  const second = make({ chats });
  expect((await ask(second, "GET", "/c/stream")).status).toBe(204);
  const next = await (await ask(second, "POST", "", says("Still there?"))).text();
  expect(threadIn(next)).toBe(threadIn(stream));
  await chats.save("eve", "c", { threadId: threadIn(stream) ?? "", streamId: "" });
  expect((await ask(second, "POST", "", says("Hello"), { "x-user": "eve" })).status).toBe(404);
});

test("a turn that its chat cannot be told of is stopped, and the application told", async () => {
  const chats = new MemoryUIMessageChatStore();
  const failure = new Error("swordfish");
  const errors: unknown[] = [];
  const chat = make({ chats, onError: (error) => errors.push(error) });
  let ended!: Promise<string>;
  const begun = new Promise<void>((resolve) => {
    server.onNextTurn(({ signal }) => {
      ended = new Promise((end) => {
        signal.addEventListener(
          "abort",
          () => {
            end("interrupted");
          },
          { once: true },
        );
      });
      resolve();
      // It goes on until it is interrupted.
      return ended.then(() => undefined);
    });
  });
  chats.save = async () => {
    await begun;
    throw failure;
  };
  const response = await ask(chat, "POST", "", says("Hello"));
  expect([response.status, await response.text()]).toEqual([
    500,
    "Something went wrong on our side.",
  ]);
  expect(errors).toEqual([failure]);
  expect(await ended).toBe("interrupted");
});

test("nothing on the way may keep or hold back what is streamed", async () => {
  const response = await ask(make(), "POST", "", says("Hello"));
  expect(response.headers.get("cache-control")).toBe("no-store, no-transform");
  expect(response.headers.has("connection")).toBe(false);
  await response.text();
});

test.each([
  { chats: {} },
  { basePath: "api" },
  { owner: undefined },
  { newThread: { onApproval: () => "accept" } },
  { unknown: true },
])("options that cannot work are refused: %j", (options) => {
  expect(() => make(options as Partial<UIMessageChatOptions>)).toThrow(InvalidArgumentError);
});
