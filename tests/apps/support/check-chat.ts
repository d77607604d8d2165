import { once } from "node:events";
import { existsSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { post, readTurn, type TurnReading } from "../../../lib/browser/index.js";
import type { TurnPart } from "../../../lib/http/index.js";
import { reply, type Reply } from "../../../lib/testing/index.js";
import { ChatServer, type ChatUser } from "./chat-server.js";

/** What holds for each chat server of examples/apps, whatever framework it stands on. */
export function checkChat(app: string, entry: string): void {
  describe(`${app}/${entry}`, () => {
    let server: ChatServer;
    beforeAll(async () => {
      server = await ChatServer.start(app, entry);
    });
    afterAll(() => server[Symbol.asyncDispose]());

    /** Sends what a page would; `null` is nobody. */
    function send(
      method: string,
      route: string,
      {
        user = "ann",
        ...init
      }: { user?: ChatUser | null; type?: string; body?: string } & {
        headers?: Record<string, string>;
      } = {},
    ): Promise<Response> {
      const { type = "application/json", body, headers } = init;
      const own = user === null ? {} : server.headersOf(user);
      return fetch(server.url + route, {
        method,
        headers: { ...own, ...(method === "POST" ? { "content-type": type } : {}), ...headers },
        ...(method === "POST" ? { body: body ?? "{}" } : {}),
      });
    }

    const as = (user: ChatUser) => ({ headers: server.headersOf(user) });
    const asAnn = (route: string, body: unknown) => post(server.url + route, body, as("ann"));

    async function newThread(): Promise<string> {
      return ((await asAnn("/api/threads", {})) as { threadId: string }).threadId;
    }

    interface Begun {
      readonly threadId: string;
      /** The route of the turn. */
      readonly turn: string;
      readonly reading: TurnReading;
    }

    async function begin(replies: readonly Reply[], given?: string): Promise<Begun> {
      const threadId = given ?? (await newThread());
      server.model.enqueueFor(threadId, ...replies);
      const begun = await asAnn(`/api/threads/${threadId}/turns`, { input: "Begin" });
      const { events } = begun as { events: string };
      const turn = events.replace(/\/events$/, "");
      return { threadId, turn, reading: readTurn(server.url + events, as("ann")) };
    }

    describe("a turn", () => {
      test("comes piece by piece, and goes on behind the last piece when the connection is lost", async () => {
        const hold = reply.hold();
        const { turn, reading } = await begin([reply.text(["One ", "two ", hold, "three."])]);
        const seen: TurnPart[] = [];
        for await (const part of reading) {
          seen.push(part);
          if (textOf(seen) === "One two ") break;
        }
        const { lastEventId } = reading;
        const again = readTurn(`${server.url}${turn}/events`, { ...as("ann"), lastEventId });
        hold.release();
        const rest = await restOf(again);
        expect(textOf(rest)).toBe("three.");
        const whole = await restOf(readTurn(`${server.url}${turn}/events`, as("ann")));
        expect([...seen, ...rest]).toEqual(whole);
        expect(whole.at(-1)).toMatchObject({
          status: "completed",
          finalResponse: "One two three.",
        });
      });

      test("is sent as it comes, to a client that would take it compressed", async () => {
        const { turn, reading } = await begin([reply.text("Hello.")]);
        await restOf(reading);
        const headers = { "accept-encoding": "gzip, br" };
        const response = await send("GET", `${turn}/events`, { headers });
        expect(response.headers.get("content-encoding")).toBeNull();
        expect(response.headers.get("content-type")).toMatch("text/event-stream");
        expect(await response.text()).toMatch(/event: end\n/);
      });

      test.each(["accept", "decline"])("runs a command by the answer: %s", async (decision) => {
        const file = `${decision}.txt`;
        const command = reply.shell(`printf done > ${file}`, {
          sandboxPermissions: "require_escalated",
          justification: "To write.",
        });
        const { turn, reading } = await begin([command, reply.text("That was it.")]);
        const { key } = await until(reading, "request");
        expect(existsSync(path.join(server.project, file))).toBe(false);
        await asAnn(`${turn}/answers`, { key, decision });
        expect((await restOf(reading)).at(-1)).toMatchObject({ finalResponse: "That was it." });
        expect(existsSync(path.join(server.project, file))).toBe(decision === "accept");
      });

      test("is stopped", async () => {
        const { turn, reading } = await begin([reply.text(["On and on", reply.hold()])]);
        await until(reading, "message-delta");
        await asAnn(`${turn}/interrupt`, {});
        expect((await restOf(reading)).at(-1)).toMatchObject({ status: "interrupted" });
      });

      test("takes more input while it runs", async () => {
        const hold = reply.hold();
        const replies = [reply.text(["One thing", hold]), reply.text("And the other.")];
        const { turn, reading } = await begin(replies);
        await until(reading, "message-delta");
        await asAnn(`${turn}/steer`, { input: "The other, too" });
        hold.release();
        expect((await restOf(reading)).at(-1)).toMatchObject({ finalResponse: "And the other." });
      });
    });

    test("what is Ann's is not there for Ben, and nothing is for nobody", async () => {
      const hold = reply.hold();
      const command = reply.shell("true", { sandboxPermissions: "require_escalated" });
      const { threadId, turn, reading } = await begin([command, reply.text([hold, "Done."])]);
      const { key } = await until(reading, "request");
      const answer = JSON.stringify({ key, decision: "accept" });
      const input = JSON.stringify({ input: "Hi" });
      for (const [method, route, body] of [
        ["GET", `${turn}/events`],
        ["GET", `/api/threads/${threadId}`],
        ["POST", `/api/threads/${threadId}/turns`, input],
        ["POST", `${turn}/answers`, answer],
        ["POST", `${turn}/steer`, input],
        ["POST", `${turn}/interrupt`],
      ] as const) {
        const init = body === undefined ? {} : { body };
        expect(await problemOf(send(method, route, { ...init, user: "ben" }))).toEqual([
          404,
          "NOT_FOUND",
        ]);
        expect(await problemOf(send(method, route, { ...init, user: null }))).toEqual([
          401,
          "UNAUTHORIZED",
        ]);
      }
      const theirs = await send("GET", "/api/threads", { user: "ben" });
      expect(await theirs.json()).toEqual({ threads: [] });
      await asAnn(`${turn}/answers`, { key, decision: "decline" });
      hold.release();
      expect((await restOf(reading)).at(-1)).toMatchObject({ finalResponse: "Done." });
    });

    test("a page of another site begins nothing", async () => {
      const headers = { origin: "https://evil.example" };
      const problem = await problemOf(send("POST", "/api/threads", { headers }));
      expect(problem).toEqual([403, "ORIGIN_REFUSED"]);
    });

    test.each([
      ["is no JSON", 400, { body: "{" }],
      ["is of another type", 415, { body: "<a/>", type: "application/xml" }],
      ["names a directory", 400, { body: '{"input":"Hi","cwd":"/etc"}' }],
      ["names a file", 400, { body: '{"input":[{"type":"localImage","path":"/etc/passwd"}]}' }],
    ])("a body that %s is a problem of status %i", async (_what, status, init) => {
      const route = `/api/threads/${await newThread()}/turns`;
      expect(await problemOf(send("POST", route, init))).toEqual([status, "BAD_REQUEST"]);
    });

    test("a body that says that it is too large is a problem of status 413", async () => {
      const request = http.request(`${server.url}/api/threads`, {
        method: "POST",
        headers: {
          ...server.headersOf("ann"),
          "content-type": "application/json",
          "content-length": 9 * 1_048_576,
        },
      });
      request.flushHeaders();
      const [response] = (await once(request, "response")) as [http.IncomingMessage];
      expect(response.statusCode).toBe(413);
      expect(response.headers["content-type"]).toMatch("application/problem+json");
      expect(await json(response)).toMatchObject({ status: 413, code: "BAD_REQUEST" });
      request.destroy();
    });

    describe("a route of one's own", () => {
      const body = JSON.stringify({ text: "A long story." });

      test("answers with the result of a turn", async () => {
        server.model.enqueue(reply.text("A story."));
        const response = await send("POST", "/summaries", { body });
        expect(response.status).toBe(201);
        expect(await response.json()).toEqual({ summary: "A story." });
      });

      test("answers with a problem when the turn fails, and to nobody", async () => {
        server.model.enqueue(reply.usageLimit());
        expect(await problemOf(send("POST", "/summaries", { body }))).toEqual([429, "TURN_FAILED"]);
        const problem = await problemOf(send("POST", "/summaries", { body, user: null }));
        expect(problem).toEqual([401, "UNAUTHORIZED"]);
      });
    });

    test("a turn whose app-server is killed is lost, and the next one works", async () => {
      const { threadId, reading } = await begin([reply.text(["Some", reply.hold()])]);
      await until(reading, "message-delta");
      await server.killCodex();
      expect((await restOf(reading)).at(-1)).toMatchObject({ type: "end", status: "lost" });
      const next = await begin([reply.text("Here again.")], threadId);
      expect((await restOf(next.reading)).at(-1)).toMatchObject({ finalResponse: "Here again." });
    });

    // The last one: it ends the server.
    test("on SIGTERM running turns end, nothing new begins, and the process exits by itself", async () => {
      const hold = reply.hold();
      const { threadId, reading } = await begin([reply.text(["Not ", hold, "broken off."])]);
      await until(reading, "message-delta");
      expect((await send("GET", "/api/health", { user: null })).status).toBe(200);
      const exit = server.stop();
      while ((await send("GET", "/api/health", { user: null })).status === 200);
      for (const [route, body] of [
        ["/api/threads"],
        [`/api/threads/${threadId}/turns`, '{"input":"Hi"}'],
        ["/summaries", '{"text":"Hi"}'],
      ] as const) {
        const response = await send("POST", route, body === undefined ? {} : { body });
        expect([route, response.status]).toEqual([route, 503]);
        await response.text();
      }
      hold.release();
      expect((await restOf(reading)).at(-1)).toMatchObject({ finalResponse: "Not broken off." });
      expect(await exit).toBe(0);
    });
  });
}

/** The status and the code of a problem (RFC 9457). */
async function problemOf(asked: Promise<Response>): Promise<[number, string]> {
  const response = await asked;
  expect(response.headers.get("content-type")).toMatch("application/problem+json");
  const { status, code } = (await response.json()) as { status: number; code: string };
  expect(response.status).toBe(status);
  return [status, code];
}

async function restOf(reading: TurnReading): Promise<TurnPart[]> {
  const parts: TurnPart[] = [];
  for await (const part of reading) parts.push(part);
  return parts;
}

/** Reads until a part of this type has come, and says what it is. */
async function until<Type extends TurnPart["type"]>(
  reading: TurnReading,
  type: Type,
): Promise<Extract<TurnPart, { type: Type }>> {
  for (;;) {
    const step = await reading.next();
    if (step.done) throw new Error(`there is no ${type}`);
    if (step.value.type === type) return step.value as Extract<TurnPart, { type: Type }>;
  }
}

function textOf(parts: readonly TurnPart[]): string {
  return parts.map((part) => (part.type === "message-delta" ? part.delta : "")).join("");
}
