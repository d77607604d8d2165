import { describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { post, readTurn, type ReadTurnOptions } from "../../../lib/browser/index.js";
import { collect, rejection } from "../../support/collect.js";

const stream = { headers: { "content-type": "text/event-stream" } };
const frame = (id: number, part: object) => `id: ${id}\ndata: ${JSON.stringify(part)}\n\n`;
const quickly = "retry: 1\n\n";
const warning = (message: string) => ({ type: "warning", message });
const end = { type: "end", status: "completed" };
const problem = (status: number, headers = {}) =>
  new Response(JSON.stringify({ status, code: "CODE", title: "Title." }), { status, headers });

/** A server that gives these answers, one for each request. */
function server(...answers: (Response | Error | string)[]) {
  const requests: Headers[] = [];
  const fetch: ReadTurnOptions["fetch"] = (_url, { headers }) => {
    requests.push(new Headers(headers));
    const answer = answers.shift() ?? new Error("nobody asked for more");
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve(typeof answer === "string" ? new Response(answer, stream) : answer);
  };
  return { fetch, requests };
}

const lastEventIds = (requests: Headers[]) => requests.map((each) => each.get("last-event-id"));

describe("a connection that is lost", () => {
  test("is made anew behind the last part, whatever has cut it", async () => {
    const { fetch, requests } = server(
      `${quickly}${frame(1, warning("a"))}id: 2\ndata: {"type":"war`,
      new TypeError("fetch failed"),
      problem(502),
      `${frame(2, warning("b"))}${frame(3, end)}`,
    );
    const losses: number[] = [];
    const onReconnect = (count: number) => losses.push(count);
    const reading = readTurn("/", { fetch, onReconnect });
    expect(await collect(reading)).toEqual([warning("a"), warning("b"), end]);
    expect(lastEventIds(requests)).toEqual([null, "1", "1", "1"]);
    expect(losses).toEqual([1, 2, 3]);
    expect(reading.lastEventId).toBe("3");
  });

  test("is over when the server has nothing more", async () => {
    const { fetch, requests } = server(
      `${quickly}${frame(7, warning("a"))}`,
      new Response(null, { status: 204 }),
    );
    expect(await collect(readTurn("/", { fetch, lastEventId: "6" }))).toEqual([warning("a")]);
    expect(lastEventIds(requests)).toEqual(["6", "7"]);
  });

  test("is found out by its silence", async () => {
    const silent = new Response(new ReadableStream({}), stream);
    const { fetch } = server(quickly, silent, frame(1, end));
    const listening: ReadTurnOptions["fetch"] = async (url, init) => {
      const response = await fetch(url, init);
      if (response !== silent) return response;
      const body = new ReadableStream({
        start(controller) {
          init.signal?.addEventListener("abort", () => {
            controller.error(init.signal?.reason);
          });
        },
      });
      return new Response(body, stream);
    };
    expect(await collect(readTurn("/", { fetch: listening, silenceMs: 20 }))).toEqual([end]);
  });

  test("waits as long as the server wants", async () => {
    const { fetch } = server(quickly, problem(503, { "retry-after": "0.05" }), frame(1, end));
    const since = performance.now();
    await collect(readTurn("/", { fetch }));
    expect(performance.now() - since).toBeGreaterThan(45);
  });
});

describe("what is final", () => {
  test.each([400, 401, 403, 404, 410])(
    "a refusal with %s is thrown, with its problem",
    async (status) => {
      const { fetch, requests } = server(problem(status));
      const error = await rejection(collect(readTurn("/", { fetch })));
      expect(error).toMatchObject({ name: "WebProblemError", status, problem: { code: "CODE" } });
      expect(requests).toHaveLength(1);
    },
  );

  test("a page in the place of a stream", async () => {
    const { fetch } = server(new Response("<html>", { headers: { "content-type": "text/html" } }));
    const error = await rejection(collect(readTurn("/", { fetch })));
    expect(error).toMatchObject({ problem: { status: 200, code: "UNKNOWN" } });
  });

  test("the end of the turn, not that of a sub-agent", async () => {
    const child = {
      ...end,
      origin: { threadId: "t", turnId: "u", parentThreadId: null, depth: 1 },
    };
    const { fetch } = server(`${frame(1, child)}${frame(2, end)}${frame(3, warning("late"))}`);
    expect(await collect(readTurn("/", { fetch }))).toEqual([child, end]);
  });

  test("an abort, with its reason, also during a pause; it leaves no listener", async () => {
    const { fetch } = server(frame(1, warning("a")));
    const controller = new AbortController();
    const reason = new Error("enough");
    const onReconnect = () => {
      controller.abort(reason);
    };
    const { signal } = controller;
    const reading = collect(readTurn("/", { fetch, signal, onReconnect }));
    expect(await rejection(reading)).toBe(reason);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

test("headers may be made for each request", async () => {
  let count = 0;
  const headers = () => Promise.resolve({ authorization: `token ${++count}` });
  const { fetch, requests } = server(`${quickly}${frame(1, warning("a"))}`, frame(2, end));
  await collect(readTurn("/", { fetch, headers }));
  expect(requests.map((each) => each.get("authorization"))).toEqual(["token 1", "token 2"]);
});

test("comments, several lines of data, and CR LF are read as the format says", async () => {
  const text = `:hello\r\nid: 1\r\nevent: end\r\ndata: {"type":\r\ndata: "end"}\r\n\r\n`;
  const { fetch } = server(text);
  expect(await collect(readTurn("/", { fetch }))).toEqual([{ type: "end" }]);
});

test("post() sends JSON, gives what comes back, and throws the problem", async () => {
  const { fetch, requests } = server(
    Response.json({ id: 1 }),
    new Response(null, { status: 204 }),
    problem(409),
  );
  expect(await post("/", { key: "k" }, { fetch })).toEqual({ id: 1 });
  expect(requests[0]?.get("content-type")).toBe("application/json");
  expect(await post("/", {}, { fetch })).toBeUndefined();
  expect(await rejection(post("/", {}, { fetch }))).toMatchObject({ status: 409 });
});
