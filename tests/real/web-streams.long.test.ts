import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { json } from "node:stream/consumers";
import { post, readTurn, type WebProblemError } from "../../lib/browser/index.js";
import {
  TurnStreams,
  WebError,
  type BrowserAnswer,
  type TurnPart,
  type TurnStreamsOptions,
} from "../../lib/http/index.js";
import type { Codex, StartThreadOptions, Thread } from "../../lib/index.js";
import { reply, type LoopbackModel, type Reply } from "../../lib/testing/index.js";
import { RealStage } from "../support/real.js";
import { startWebServer, type WebServer } from "../support/web-server.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});
afterAll(() => stage.close());

/** A web server of two lines a route, whose users say who they are in a header. */
async function serve(options: Partial<TurnStreamsOptions> = {}) {
  const streams = new TurnStreams({
    authorize: (request, { owner }) => request.header("x-user") === owner,
    ...options,
  });
  const web = await startWebServer(async (request, response) => {
    const [, id = "", action = ""] = (request.url ?? "").split("/");
    if (action === "events") return streams.pipe(request, response, id);
    try {
      const body = await json(request);
      if (action === "answers") await streams.answer(request, id, body as BrowserAnswer);
      else if (action === "steer")
        await streams.steer(request, id, (body as { input: string }).input);
      else if (action === "interrupt") await streams.interrupt(request, id);
      else await streams.thread(request, codex, id);
      response.writeHead(204).end();
    } catch (error) {
      if (!(error instanceof WebError)) throw error;
      const { status, code, title } = error;
      response.writeHead(status).end(JSON.stringify({ status, code, title }));
    }
    return undefined;
  });
  opened.push(web, streams);
  return { streams, web };
}

async function threadOf(streams: TurnStreams, options: StartThreadOptions, ...replies: Reply[]) {
  const thread = await codex.startThread({ ...streams.handlers, ...options });
  model.enqueueFor(thread.id, ...replies);
  return thread;
}

const as = (user: string) => ({ headers: { "x-user": user } });

function view(web: WebServer, id: string, user = "ada") {
  return readTurn(`${web.url}/${id}/events`, as(user));
}

async function all(reading: AsyncIterable<TurnPart>): Promise<TurnPart[]> {
  const parts: TurnPart[] = [];
  for await (const part of reading) parts.push(part);
  return parts;
}

function textOf(parts: readonly TurnPart[]): string {
  return parts.map((part) => (part.type === "message-delta" ? part.delta : "")).join("");
}

/** Reads until a part of this type has come, and says what it is. */
async function until<Type extends TurnPart["type"]>(
  reading: AsyncGenerator<TurnPart, undefined>,
  type: Type,
): Promise<Extract<TurnPart, { type: Type }>> {
  for (;;) {
    const step = await reading.next();
    if (step.done) throw new Error(`there is no ${type}`);
    if (step.value.type === type) return step.value as Extract<TurnPart, { type: Type }>;
  }
}

const refused = (status: number, code: string) => ({ problem: { status, code } });

describe("seeing a turn", () => {
  test("two viewers get the same parts, be they there from the start or come when it is over", async () => {
    const { streams, web } = await serve();
    const thread = await threadOf(streams, {}, reply.text("Good day to you."));
    const turn = thread.turn("Hello");
    const id = streams.add(turn, { owner: "ada" });
    const [one, other] = await Promise.all([all(view(web, id)), all(view(web, id))]);
    expect(one).toEqual(other);
    expect(textOf(one)).toBe("Good day to you.");
    expect(one[0]).toMatchObject({ type: "start", threadId: thread.id, turnId: turn.id });
    expect(one.at(-1)).toMatchObject({ status: "completed", finalResponse: "Good day to you." });
    expect(await all(view(web, id))).toEqual(one);
    expect((await turn.run()).finalResponse).toBe("Good day to you.");
  });

  test("a page that was reloaded in the middle goes on without a gap or a repeat", async () => {
    const { streams, web } = await serve();
    const gate = reply.hold();
    const thread = await threadOf(
      streams,
      {},
      reply.text(["One ", "two ", gate, "three ", "four."]),
    );
    const id = streams.add(thread.turn("Count"), { owner: "ada" });
    const seen: TurnPart[] = [];
    const first = view(web, id);
    for await (const part of first) {
      seen.push(part);
      if (textOf(seen) === "One two ") break;
    }
    gate.release();
    const { lastEventId } = first;
    const rest = await all(readTurn(`${web.url}/${id}/events`, { ...as("ada"), lastEventId }));
    expect(textOf(rest)).toBe("three four.");
    expect([...seen, ...rest]).toEqual(await all(view(web, id)));
  });

  test("the response is a stream of events that no proxy holds back, and its end is final", async () => {
    const { streams, web } = await serve({ retryMs: 250 });
    const thread = await threadOf(streams, {}, reply.text("Hi."));
    const id = streams.add(thread.turn("Hello"), { owner: "ada" });
    const response = await fetch(`${web.url}/${id}/events`, as("ada"));
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
    });
    const body = await response.text();
    expect(body).toMatch(/^retry: 250\n\nid: 1\nevent: start\ndata: {"type":"start".*}\n\nid: 2\n/);
    const [, last = ""] = /id: (\d+)\nevent: end\ndata: {.*}\n\n$/.exec(body) ?? [];
    const again = (lastEventId: string) =>
      fetch(`${web.url}/${id}/events`, {
        headers: { "x-user": "ada", "last-event-id": lastEventId },
      });
    expect((await again(last)).status).toBe(204);
    expect((await again(`${Number(last) + 1}`)).status).toBe(400);
    expect((await again("one")).status).toBe(400);
    const head = await fetch(`${web.url}/${id}/events`, { ...as("ada"), method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  test("leaving is not stopping", async () => {
    const { streams, web } = await serve();
    const gate = reply.hold();
    const thread = await threadOf(streams, {}, reply.text(["Half ", gate, "whole."]));
    const turn = thread.turn("Talk");
    const id = streams.add(turn, { owner: "ada" });
    for await (const part of view(web, id)) if (part.type === "message-delta") break;
    gate.release();
    expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Half whole." });
  });

  test("a server that is killed is a last event with a problem", async () => {
    const { streams, web } = await serve();
    const own = stage.codex();
    const before = await stage.processes();
    const gate = reply.hold();
    model.respond(() => [reply.unfinishedText(["Half ", gate])]);
    const thread = await own.startThread(streams.handlers);
    const [pid = 0] = (await stage.processes()).filter((each) => !before.includes(each));
    const id = streams.add(thread.turn("Talk"), { owner: "ada" });
    const reading = view(web, id);
    await until(reading, "message-delta");
    process.kill(pid, "SIGKILL");
    expect(await until(reading, "end")).toMatchObject({
      status: "lost",
      error: { code: "TRANSPORT_CLOSED", title: expect.any(String) as unknown },
    });
    expect(await reading.next()).toEqual({ value: undefined, done: true });
    model.respond(undefined);
    await own.close();
  });
});

describe("answering", () => {
  const asking = { approvalPolicy: "untrusted" } as const;
  const marker = (name: string) => path.join(stage.project, name);

  test("an approval that is granted over HTTP runs its command; it can be answered once", async () => {
    const { streams, web } = await serve();
    const file = marker("granted");
    const thread = await threadOf(
      streams,
      asking,
      reply.shell(`touch ${file}`),
      reply.text("Done."),
    );
    const id = streams.add(thread.turn("Touch"), { owner: "ada" });
    const reading = view(web, id);
    const { key, request } = await until(reading, "request");
    expect(request).toMatchObject({ kind: "command" });
    expect(existsSync(file)).toBe(false);
    const answers = `${web.url}/${id}/answers`;
    await post(answers, { key, decision: "accept" }, as("ada"));
    await until(reading, "request-end");
    const twice = post(answers, { key, decision: "accept" }, as("ada"));
    await expect(twice).rejects.toMatchObject(refused(409, "ALREADY_ANSWERED"));
    await until(reading, "end");
    expect(existsSync(file)).toBe(true);
    const late = post(answers, { key, decision: "accept" }, as("ada"));
    await expect(late).rejects.toMatchObject(refused(409, "ALREADY_ANSWERED"));
  });

  test("for the session is refused, and the request stays open; unless it is allowed", async () => {
    const { streams, web } = await serve();
    const thread = await threadOf(
      streams,
      asking,
      reply.shell("touch session"),
      reply.text("Done."),
    );
    const id = streams.add(thread.turn("Touch"), { owner: "ada" });
    const reading = view(web, id);
    const { key } = await until(reading, "request");
    const answers = `${web.url}/${id}/answers`;
    const forSession = post(answers, { key, decision: "acceptForSession" }, as("ada"));
    await expect(forSession).rejects.toMatchObject(refused(403, "DECISION_REFUSED"));
    const rule = { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["touch"] } };
    const forGood = post(answers, { key, decision: rule }, as("ada"));
    await expect(forGood).rejects.toMatchObject(refused(400, "BAD_REQUEST"));
    await post(answers, { key, decision: "decline" }, as("ada"));
    await until(reading, "end");
    expect(existsSync(marker("session"))).toBe(false);
  });

  test("what nobody answers is declined after the limit, and the turn goes on", async () => {
    const { streams, web } = await serve({ answerWithinMs: 50 });
    const thread = await threadOf(streams, asking, reply.shell("touch late"), reply.text("Done."));
    const turn = thread.turn("Touch");
    const parts = await all(view(web, streams.add(turn, { owner: "ada" })));
    expect(parts.find(({ type }) => type === "tool-end")).toMatchObject({ status: "declined" });
    expect(parts.at(-1)).toMatchObject({ status: "completed", finalResponse: "Done." });
    expect(existsSync(marker("late"))).toBe(false);
  });

  test("the key of another turn opens nothing, though it is the same user's", async () => {
    const { streams, web } = await serve();
    const thread = await threadOf(streams, asking, reply.shell("touch one"), reply.text("Done."));
    const gate = reply.hold();
    const other = await threadOf(streams, {}, reply.text(["Half ", gate]));
    const id = streams.add(thread.turn("Touch"), { owner: "ada" });
    const otherId = streams.add(other.turn("Talk"), { owner: "ada" });
    const reading = view(web, id);
    const { key } = await until(reading, "request");
    const crossed = post(`${web.url}/${otherId}/answers`, { key, decision: "accept" }, as("ada"));
    await expect(crossed).rejects.toMatchObject(refused(404, "NOT_FOUND"));
    gate.release();
    await post(`${web.url}/${id}/answers`, { key, decision: "decline" }, as("ada"));
    await until(reading, "end");
  });
});

describe("steering and stopping", () => {
  test("input that is posted joins the turn, and a stop ends it", async () => {
    const { streams, web } = await serve();
    const gate = reply.hold();
    const after = reply.hold();
    const thread = await threadOf(
      streams,
      {},
      reply.text(["Half ", gate, "way."]),
      reply.text(["More ", after]),
    );
    const id = streams.add(thread.turn("Talk"), { owner: "ada" });
    const reading = view(web, id);
    await until(reading, "message-delta");
    await post(`${web.url}/${id}/steer`, { input: "Say more." }, as("ada"));
    gate.release();
    await after.reached;
    const asked = model.requests.findLast(({ threadId }) => threadId === thread.id);
    expect(JSON.stringify(asked?.input)).toContain("Say more.");
    await post(`${web.url}/${id}/interrupt`, {}, as("ada"));
    expect(await until(reading, "end")).toMatchObject({ status: "interrupted" });
    await post(`${web.url}/${id}/interrupt`, {}, as("ada"));
    const late = post(`${web.url}/${id}/steer`, { input: "More." }, as("ada"));
    await expect(late).rejects.toMatchObject(refused(409, "TURN_OVER"));
  });

  test("a file of the server cannot be named as input", async () => {
    const { streams, web } = await serve();
    const gate = reply.hold();
    const thread = await threadOf(streams, {}, reply.text(["Half ", gate]));
    const turn = thread.turn("Talk");
    const id = streams.add(turn, { owner: "ada" });
    await gate.reached;
    for (const input of [
      [{ type: "localImage", path: "/etc/passwd" }],
      [{ type: "mention", name: "x", path: "/etc/passwd" }],
      [{ type: "image", url: "file:///etc/passwd" }],
      { type: "text", text: "x", path: "/etc/passwd" },
      " ",
    ]) {
      const steer = post(`${web.url}/${id}/steer`, { input }, as("ada"));
      await expect(steer).rejects.toMatchObject(refused(400, "BAD_REQUEST"));
    }
    await turn.interrupt();
  });

  test("a turn that nobody watches any more is interrupted, if that is wanted", async () => {
    const { streams, web } = await serve({ whenUnwatched: { afterMs: 200, do: "interrupt" } });
    const gate = reply.hold();
    const thread = await threadOf(streams, {}, reply.text(["Half ", gate]));
    const turn = thread.turn("Talk");
    const id = streams.add(turn, { owner: "ada" });
    for await (const part of view(web, id)) if (part.type === "message-delta") break;
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
  });
});

describe("whose it is", () => {
  test("what is somebody else's looks as if it did not exist, for every action", async () => {
    const { streams, web } = await serve();
    const asking = { approvalPolicy: "untrusted" } as const;
    const thread = await threadOf(
      streams,
      asking,
      reply.shell("touch theirs"),
      reply.text("Done."),
    );
    const turn = thread.turn("Touch");
    const id = streams.add(turn, { owner: "ada" });
    const reading = view(web, id);
    const { key } = await until(reading, "request");
    const tried = (user: string, stream: string, threadId: string) => [
      all(view(web, stream, user)),
      post(`${web.url}/${stream}/answers`, { key, decision: "accept" }, as(user)),
      post(`${web.url}/${stream}/steer`, { input: "Now." }, as(user)),
      post(`${web.url}/${stream}/interrupt`, {}, as(user)),
      post(`${web.url}/${threadId}/thread`, {}, as(user)),
    ];
    const outcomes = await Promise.all(
      [...tried("eve", id, thread.id), ...tried("eve", "nothing", "nothing")].map((promise) =>
        promise.then(
          () => "it was done",
          (error: unknown) => (error as WebProblemError).problem,
        ),
      ),
    );
    const nothing = { status: 404, code: "NOT_FOUND", title: expect.any(String) as unknown };
    expect(outcomes).toEqual(outcomes.map(() => nothing));
    expect(new Set(outcomes.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(existsSync(path.join(stage.project, "theirs"))).toBe(false);
    await post(`${web.url}/${id}/answers`, { key, decision: "decline" }, as("ada"));
    expect(await until(reading, "end")).toMatchObject({ status: "completed" });
    await post(`${web.url}/${thread.id}/thread`, {}, as("ada"));
  });

  test("a thread is handed out with its handlers, and only what is known", async () => {
    const { streams } = await serve();
    const thread = await codex.startThread();
    const request = new Request("http://localhost/", as("ada"));
    await expect(streams.thread(request, codex, thread.id)).rejects.toMatchObject({ status: 404 });
    expect(await streams.ownThread(thread.id, "ada")).toBe("ada");
    expect(await streams.ownThread(thread.id, "eve")).toBe("ada");
    const handle: Thread = await streams.thread(request, codex, thread.id);
    expect(handle.id).toBe(thread.id);
    expect(await streams.threadsOf("ada")).toEqual([thread.id]);
    model.enqueueFor(thread.id, reply.text("Yes."));
    expect((await handle.run("Again")).finalResponse).toBe("Yes.");
  });
});
