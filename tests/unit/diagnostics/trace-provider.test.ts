import { describe, expect, test } from "@jest/globals";
import { AsyncLocalStorage } from "node:async_hooks";
import { Codex, type ErrorOrigin, type TraceContext } from "../../../lib/index.js";
import { rejection } from "../../support/collect.js";
import { linkedThread } from "../../support/linked-server.js";

const user = new AsyncLocalStorage<string>();
const traceOf = (span: string): TraceContext => ({
  traceparent: `00-0af7651916cd43dd8448eb211c80319c-${span.padStart(16, "0")}-01`,
});
const ofUser = (): TraceContext | undefined => {
  const span = user.getStore();
  return span === undefined ? undefined : traceOf(span);
};

describe("the client's traceContext", () => {
  test("is asked in the context of each call, and gives nothing outside", async () => {
    await using pair = await linkedThread({ traceContext: ofUser });
    const { client, server, thread } = pair;
    await Promise.all([
      user.run("a", () => client.request("model/list", {})),
      user.run("b", () => client.request("thread/list", {})),
      user.run("c", () => thread.turn("Hi").started),
      client.request("skills/list", {}),
    ]);
    const traces = new Map(server.requests.map(({ method, trace }) => [method, trace]));
    expect(traces.get("initialize")).toBeUndefined();
    expect(traces.get("model/list")).toEqual(traceOf("a"));
    expect(traces.get("thread/list")).toEqual(traceOf("b"));
    expect(traces.get("turn/start")).toEqual(traceOf("c"));
    expect(traces.get("skills/list")).toBeUndefined();
  });

  test("gives way to the trace of a call, also to one that says there is none", async () => {
    await using pair = await linkedThread({ traceContext: () => traceOf("a") });
    const { client, server } = pair;
    await client.request("model/list", {}, { trace: traceOf("b") });
    await client.request("model/list", {}, { trace: {} });
    await client.request("model/list", {});
    const traces = server.requests.slice(-3).map(({ trace }) => trace);
    expect(traces).toEqual([traceOf("b"), undefined, traceOf("a")]);
  });

  const fails = new Error("no span");
  test.each<[string, () => unknown, unknown]>([
    [
      "throws",
      () => {
        throw fails;
      },
      fails,
    ],
    ["gives what is no trace", () => ({ traceparent: "mine" }), { argument: "trace.traceparent" }],
    ["gives what is no object", () => "mine", { argument: "trace" }],
    ["gives a promise", () => Promise.reject(fails), { argument: "traceContext" }],
  ])("goes to onError when it %s, and the request goes without", async (_, traceContext, error) => {
    const errors: [unknown, ErrorOrigin][] = [];
    await using pair = await linkedThread({
      traceContext: traceContext as () => TraceContext,
      onError: (...args) => errors.push(args),
    });
    errors.length = 0;
    await pair.client.request("model/list", {});
    expect(pair.server.requests.at(-1)).toMatchObject({ method: "model/list" });
    expect(pair.server.requests.at(-1)?.trace).toBeUndefined();
    expect(errors).toMatchObject([[error, { where: "traceContext", method: "model/list" }]]);
  });

  test("must be a function", async () => {
    const wrong = { traceContext: traceOf("a") as never };
    expect(() => new Codex(wrong)).toThrow("traceContext must be a function");
    expect(await rejection(linkedThread(wrong))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
