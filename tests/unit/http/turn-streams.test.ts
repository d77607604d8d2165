import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { getEventListeners, once } from "node:events";
import type { ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { readTurn } from "../../../lib/browser/index.js";
import {
  MemoryStreamStore,
  StreamsClosedError,
  TurnStreams,
  type TurnPart,
  type TurnStreamsOptions,
} from "../../../lib/http/index.js";
import {
  InvalidArgumentError,
  type ApprovalRequest,
  type RequestContext,
} from "../../../lib/index.js";
import { collect } from "../../support/collect.js";
import { ScriptedTurn } from "../../support/scripted-turn.js";
import { startWebServer } from "../../support/web-server.js";

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  jest.useRealTimers();
  for (const each of opened.splice(0).reverse()) await each.close();
});

function make(options: Partial<TurnStreamsOptions> = {}): TurnStreams {
  const streams = new TurnStreams({ authorize: () => true, ...options });
  opened.push(streams);
  return streams;
}

const get = (headers: Record<string, string> = {}, signal?: AbortSignal) =>
  new Request("http://localhost/events", { headers, ...(signal ? { signal } : {}) });
const postFrom = (headers: Record<string, string>) =>
  new Request("http://localhost/", { method: "POST", headers });

function read(streams: TurnStreams, id: string): Promise<TurnPart[]> {
  const fetch = (_url: string, init: RequestInit) =>
    streams.response(new Request("http://localhost/", init), id);
  return collect(readTurn("/", { fetch }));
}

const owner = "ada";

describe("authorize", () => {
  test("is told who owns what, and what is to be done, with the request as it was given", async () => {
    const seen: unknown[] = [];
    const streams = make({
      authorize: ({ raw, method, header }, subject) => {
        seen.push([raw, method, header("X-Token"), subject]);
        return true;
      },
    });
    const scripted = new ScriptedTurn().start();
    const id = streams.add(scripted.turn, { owner });
    const reading = read(streams, id);
    scripted.end();
    await reading;
    const request = get({ "x-token": "t" });
    await (await streams.response(request, id)).body?.cancel();
    const subject = { owner, threadId: "thread-1", turnId: "turn-1", action: "watch" };
    expect(seen.at(-1)).toEqual([request, "GET", "t", subject]);
  });

  test("that fails is a refusal that looks like any other, and its error is reported", async () => {
    const errors: unknown[] = [];
    const problem = new Error("the database is gone");
    const streams = make({
      authorize: () => Promise.reject(problem),
      onError: (error) => errors.push(error),
    });
    const id = streams.add(new ScriptedTurn().start().end().turn, { owner });
    const [one, other] = [await streams.response(get(), id), await streams.response(get(), "no")];
    expect([one.status, other.status]).toEqual([404, 404]);
    expect(await one.text()).toBe(await other.text());
    expect(one.headers.get("content-type")).toBe("application/problem+json");
    expect(errors).toEqual([problem]);
  });

  test("lets pass by true alone", async () => {
    const streams = make({ authorize: () => "yes" as unknown as boolean });
    const id = streams.add(new ScriptedTurn().start().end().turn, { owner });
    expect((await streams.response(get(), id)).status).toBe(404);
  });
});

describe("Origin", () => {
  const own = { host: "app.example", origin: "https://app.example" };

  async function outcome(headers: Record<string, string>, origins?: string[]): Promise<string> {
    const streams = make({ origins });
    const scripted = new ScriptedTurn().start();
    const id = streams.add(scripted.turn, { owner });
    return streams.interrupt(postFrom(headers), id).then(
      () => "done",
      (error: unknown) => {
        scripted.end();
        return (error as { code: string }).code;
      },
    );
  }

  test.each([
    ["the same host", own, "done"],
    ["no page", { host: "app.example" }, "done"],
    ["another host", { ...own, origin: "https://evil.example" }, "ORIGIN_REFUSED"],
    ["another port", { ...own, origin: "https://app.example:8443" }, "ORIGIN_REFUSED"],
    ["a file or a sandboxed frame", { ...own, origin: "null" }, "ORIGIN_REFUSED"],
    ["a browser without Origin, cross-site", { "sec-fetch-site": "cross-site" }, "ORIGIN_REFUSED"],
    ["a browser without Origin, same origin", { "sec-fetch-site": "same-origin" }, "done"],
  ])("a POST from %s", async (_from, headers, expected) => {
    expect(await outcome(headers as Record<string, string>)).toBe(expected);
  });

  test("origins that are named take the place of the host", async () => {
    const origins = ["https://app.example"];
    expect(await outcome({ ...own, host: "internal:8080" }, origins)).toBe("done");
    expect(await outcome({ host: "internal", origin: "http://internal" }, origins)).toBe(
      "ORIGIN_REFUSED",
    );
  });
});

describe("a fetch response", () => {
  test("that is cancelled, or whose request is aborted, leaves nothing behind", async () => {
    const streams = make();
    const scripted = new ScriptedTurn().start();
    const id = streams.add(scripted.turn, { owner });
    const controller = new AbortController();
    const request = get({}, controller.signal);
    const aborted = await streams.response(request, id);
    const cancelled = await streams.response(get(), id);
    await cancelled.body?.cancel();
    const reader = aborted.body?.getReader();
    await reader?.read();
    controller.abort();
    for (let step = await reader?.read(); step && !step.done;) step = await reader?.read();
    expect(getEventListeners(request.signal, "abort")).toEqual([]);
    scripted.end();
    expect((await read(streams, id)).at(-1)).toMatchObject({ type: "end", status: "completed" });
  });

  test("comments keep it open while nothing is said", async () => {
    const streams = make({ heartbeatMs: 5 });
    const scripted = new ScriptedTurn().start();
    const id = streams.add(scripted.turn, { owner });
    const reader = (await streams.response(get(), id)).body?.getReader();
    const texts: string[] = [];
    while (!texts.includes(":\n\n")) {
      const step = await reader?.read();
      const bytes = step?.value as Uint8Array<ArrayBuffer> | undefined;
      texts.push(new TextDecoder().decode(bytes));
    }
    scripted.end();
  });
});

describe("a response of Node", () => {
  test("is over when its client has gone, and keeps no listener", async () => {
    const streams = make();
    const scripted = new ScriptedTurn().start();
    const id = streams.add(scripted.turn, { owner });
    let listeners: number[][] = [];
    const events = ["close", "drain", "error", "finish"];
    const counts = (response: ServerResponse) => events.map((name) => response.listenerCount(name));
    let isOver: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (isOver = resolve));
    const web = await startWebServer(async (request, response) => {
      listeners = [counts(response)];
      await streams.pipe(request, response, id);
      listeners.push(counts(response));
      isOver();
    });
    opened.push(web);
    const response = await fetch(web.url);
    await response.body?.cancel();
    await over;
    expect(listeners[1]).toEqual(listeners[0]);
    scripted.end();
  });

  test("of a viewer that does not read holds a page and no more, and hurts no other viewer", async () => {
    const maxBytesPerTurn = 256 * 1_024;
    const store = new MemoryStreamStore();
    const streams = make({ store, maxBytesPerTurn });
    const scripted = new ScriptedTurn().start();
    const id = streams.add(scripted.turn, { owner });
    const responses: ServerResponse[] = [];
    const web = await startWebServer((request, response) => {
      responses.push(response);
      return streams.pipe(request, response, id);
    });
    opened.push(web);
    const { port } = web.server.address() as AddressInfo;
    const slow = connect(port, "127.0.0.1");
    slow.pause();
    slow.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    while (responses.length === 0) await new Promise(setImmediate);
    const other = collect(readTurn(web.url));
    let [mostKept, mostWaiting] = [0, 0];
    for (let round = 0; round < 150; round += 1) {
      scripted.say("0123456789abcdef".repeat(4_096));
      await new Promise(setImmediate);
      mostKept = Math.max(mostKept, store.bytes);
      mostWaiting = Math.max(mostWaiting, responses[0]?.writableLength ?? 0);
    }
    scripted.end();
    const parts = await other;
    expect(parts.at(-1)).toMatchObject({ type: "end" });
    // 10 MB were said. Besides what is kept, what was not stored yet may be more for a moment.
    expect(mostKept).toBeLessThan(maxBytesPerTurn + 1_048_576);
    // A page of 64 KiB, the one event that is larger than that, and what was written before the socket was full.
    expect(mostWaiting).toBeLessThan(300_000);

    let text = "";
    slow.setEncoding("utf8");
    slow.on("data", (chunk: string) => (text += chunk));
    slow.resume();
    while (!text.includes("event: end")) await once(slow, "data");
    slow.destroy();
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq));
    expect(ids).toEqual([...new Set(ids)].sort((one, two) => one - two));
    expect(text).toContain('event: gap\ndata: {"type":"gap","ids":["m"]}');
  });
});

describe("when things go wrong", () => {
  test("a store that fails ends the turn, and its viewers are told", async () => {
    class Failing extends MemoryStreamStore {
      failures = 1;
      override append(...args: Parameters<MemoryStreamStore["append"]>) {
        this.failures -= 1;
        if (this.failures === 0) return Promise.reject(new Error("no space"));
        return super.append(...args);
      }
    }
    const errors: unknown[] = [];
    const streams = make({ store: new Failing(), onError: (error) => errors.push(error) });
    const scripted = new ScriptedTurn().start();
    const id = streams.add(scripted.turn, { owner });
    const parts = await read(streams, id);
    expect(parts).toEqual([expect.objectContaining({ type: "end", status: "lost" })]);
    expect(errors).toEqual([new Error("no space")]);
    expect(scripted.calls).toEqual(["left"]);
  });

  test("bad options are named", () => {
    const authorize = () => true;
    const bad: [object, string][] = [
      [{}, "authorize"],
      [{ authorize, retainMs: 0 }, "retainMs"],
      [{ authorize, origins: ["app.example"] }, "origins"],
      [{ authorize, whenUnwatched: { do: "interrupt" } }, "whenUnwatched.afterMs"],
      [{ authorize, maxBytes: 1 }, "maxBytes"],
      [{ authorize, parts: { show: { diffs: 1 } } }, "show.diffs"],
    ];
    for (const [options, name] of bad) {
      expect(() => new TurnStreams(options as TurnStreamsOptions)).toThrow(InvalidArgumentError);
      expect(() => new TurnStreams(options as TurnStreamsOptions)).toThrow(name);
    }
    const { turn } = new ScriptedTurn();
    expect(() => make().add(turn, { owner: "" })).toThrow(InvalidArgumentError);
  });
});

describe("close()", () => {
  test("lets running turns end, tells their viewers, and takes no new ones", async () => {
    const streams = make();
    const scripted = new ScriptedTurn().start();
    const id = streams.add(scripted.turn, { owner });
    const reading = read(streams, id);
    const closing = streams.close({ drainMs: 60_000 });
    expect(streams.isClosing).toBe(true);
    const late = new ScriptedTurn();
    expect(() => streams.add(late.turn, { owner })).toThrow(StreamsClosedError);
    expect(late.calls).toEqual(["interrupt"]);
    scripted.say("Bye.").end();
    await closing;
    expect((await reading).at(-1)).toMatchObject({ type: "end", status: "completed" });
    expect(scripted.calls).toEqual([]);
    expect((await streams.response(get(), id)).status).toBe(404);
  });

  test("interrupts those that take too long", async () => {
    const streams = make();
    const scripted = new ScriptedTurn().start();
    const reading = read(streams, streams.add(scripted.turn, { owner }));
    await streams.close({ drainMs: 5 });
    expect(scripted.calls).toEqual(["interrupt"]);
    expect((await reading).at(-1)).toMatchObject({ type: "end", status: "interrupted" });
  });
});

test("a turn that is watched is not interrupted, while one that nobody watches is", async () => {
  const streams = make({ whenUnwatched: { afterMs: 30, do: "interrupt" } });
  const watched = new ScriptedTurn().start();
  const id = streams.add(watched.turn, { owner });
  const reading = read(streams, id);
  const lonely = new ScriptedTurn().start();
  streams.add(lonely.turn, { owner });
  while (lonely.calls.length === 0) await new Promise(setImmediate);
  expect(watched.calls).toEqual([]);
  watched.end();
  await reading;
});

test("a turn whose viewer has left to ask its user is not interrupted before the answer", async () => {
  const streams = make({ whenUnwatched: { afterMs: 30, do: "interrupt" } });
  const gone = new AbortController();
  const asking = new ScriptedTurn().start();
  const id = streams.add(asking.turn, { owner });
  const request = { type: "command" } as unknown as ApprovalRequest;
  const context = { key: "k", signal: gone.signal } as unknown as RequestContext;
  const answered = streams.handlers.onApproval(request, context);
  expect([streams.isOpen("k"), streams.isOpen("other")]).toEqual([true, false]);
  streams.watchUntilAnswered(id, "k");
  const lonely = new ScriptedTurn().start();
  streams.add(lonely.turn, { owner });
  while (lonely.calls.length === 0) await new Promise(setImmediate);
  expect(asking.calls).toEqual([]);
  gone.abort();
  expect(await answered).toBe("decline");
  expect(streams.isOpen("k")).toBe(false);
  while (asking.calls.length === 0) await new Promise(setImmediate);
});

test("a turn whose viewer comes back in time is not interrupted, and one that is kept never is", async () => {
  const impatient = make({ whenUnwatched: { afterMs: 60_000, do: "interrupt" } });
  const patient = make({ whenUnwatched: { afterMs: 60_000, do: "keep" } });
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask", "performance"] });
  const [left, kept] = [new ScriptedTurn().start(), new ScriptedTurn().start()];
  const id = impatient.add(left.turn, { owner });
  const keptId = patient.add(kept.turn, { owner });
  const look = async (streams: TurnStreams, stream: string) =>
    (await streams.response(get(), stream)).body;
  await (await look(patient, keptId))?.cancel();
  await jest.advanceTimersByTimeAsync(59_000);
  const first = await look(impatient, id);
  const second = await look(impatient, id);
  await first?.cancel();
  await jest.advanceTimersByTimeAsync(120_000);
  await second?.cancel();
  await jest.advanceTimersByTimeAsync(59_000);
  const third = await look(impatient, id);
  await jest.advanceTimersByTimeAsync(120_000);
  expect([left.calls, kept.calls]).toEqual([[], []]);
  await third?.cancel();
  await jest.advanceTimersByTimeAsync(60_000);
  expect([left.calls, kept.calls]).toEqual([["interrupt"], []]);
  jest.useRealTimers();
  kept.end();
});

describe("parts", () => {
  test("come in two pieces for a client that brings an answer: up to the question, and the rest", async () => {
    const streams = make({ authorize: ({ header }) => header("x-user") === owner });
    const mine = get({ "x-user": owner });
    const scripted = new ScriptedTurn().start().say("May I? ").ask("k1").ask("k2");
    const id = streams.add(scripted.turn, { owner });
    for await (const part of await streams.parts(mine, id)) {
      if (part.type === "request" && part.key === "k2") break;
    }
    const { before, parts } = await streams.partsBehind(mine, id, new Set(["k1", "forged"]));
    scripted.say("Thanks.").end();
    expect(before.at(-1)).toMatchObject({ type: "request", key: "k1" });
    const all = await collect(await streams.parts(mine, id));
    expect([...before, ...(await collect(parts))]).toEqual(all);
    const late = await streams.partsBehind(mine, id, new Set(["k1", "k2"]));
    expect(late.before.at(-1)).toMatchObject({ type: "request", key: "k2" });
    expect([...late.before, ...(await collect(late.parts))]).toEqual(all);
    const refused = { code: "NOT_FOUND" };
    await expect(streams.partsBehind(mine, id, new Set(["forged"]))).rejects.toMatchObject(refused);
    await expect(streams.partsBehind(get(), id, new Set(["k1"]))).rejects.toMatchObject(refused);
  });

  test("are all there for each caller, also when the turn is over, and for nobody else", async () => {
    const streams = make({ authorize: ({ header }) => header("x-user") === owner });
    const mine = get({ "x-user": owner });
    const scripted = new ScriptedTurn().start();
    const id = streams.add(scripted.turn, { owner });
    const reading = collect(await streams.parts(mine, id));
    scripted.end();
    const parts = await reading;
    expect(parts[0]).toMatchObject({ type: "start", turnId: "turn-1" });
    expect(parts.at(-1)).toMatchObject({ type: "end", status: "completed" });
    expect(await collect(await streams.parts(mine, id))).toEqual(parts);
    await expect(streams.parts(get(), id)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(streams.parts(mine, "none")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("whoever leaves them, leaves at once, and the turn goes on", async () => {
    const streams = make({ heartbeatMs: 60_000 });
    const scripted = new ScriptedTurn().start();
    const id = streams.add(scripted.turn, { owner });
    const gone = new AbortController();
    const aborted = await streams.parts(get({}, gone.signal), id);
    const left = await streams.parts(get(), id);
    const reading = [collect(aborted), collect(left)];
    gone.abort();
    await left.return?.();
    await Promise.all(reading);
    scripted.end();
    const all = await collect(await streams.parts(get(), id));
    expect(all.at(-1)).toMatchObject({ type: "end", status: "completed" });
  });
});
