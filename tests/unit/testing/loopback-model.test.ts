import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { getEventListeners } from "node:events";
import { connect } from "node:net";
import path from "node:path";
import { promisify } from "node:util";

import { reply, startLoopbackModel, type LoopbackModel } from "../../../lib/testing/index.js";
import { compileProgram } from "../../support/compile-program.js";
import { ask, deltasOf, eventsOf } from "./ask-model.js";

let model: LoopbackModel;
beforeEach(async () => {
  model = await startLoopbackModel();
});
afterEach(() => model.close());

describe("which reply answers", () => {
  test("without a script the model says hello", async () => {
    expect((await deltasOf(await ask(model))).join("")).toBe("Hello from the loopback model.");
  });

  test("queued replies come in order, each once", async () => {
    model.enqueue(reply.text("one"), reply.text("two"));
    expect(model.repliesLeft).toBe(2);
    expect(await deltasOf(await ask(model))).toEqual(["one"]);
    expect(await deltasOf(await ask(model))).toEqual(["two"]);
    expect(model.repliesLeft).toBe(0);
  });

  test("replies for a thread are kept for it and come before the common queue", async () => {
    model.enqueue(reply.text("common"));
    model.enqueueFor("a", reply.text("for a"));
    expect(await deltasOf(await ask(model, { headers: { "thread-id": "b" } }))).toEqual(["common"]);
    const answer = await ask(model, { headers: { "thread-id": "a" } });
    expect((await deltasOf(answer)).join("")).toBe("for a");
  });

  test("a function picks the requests that replies are for", async () => {
    model.enqueueFor(({ subagent }) => subagent === "review", reply.text("reviewed"));
    model.enqueue(reply.text("turn"));
    expect(await deltasOf(await ask(model))).toEqual(["turn"]);
    const review = await ask(model, { headers: { "x-openai-subagent": "review" } });
    expect(await deltasOf(review)).toEqual(["reviewed"]);
  });

  test("the handler answers when no scripted reply is left, and may leave it to the default", async () => {
    model.respond(({ model: name }) => (name === "known" ? reply.text("handled") : undefined));
    model.enqueue(reply.text("queued"));
    const body = { model: "known" };
    expect(await deltasOf(await ask(model, { body }))).toEqual(["queued"]);
    expect(await deltasOf(await ask(model, { body }))).toEqual(["handled"]);
    expect((await deltasOf(await ask(model))).join("")).toContain("Hello");
  });

  test("a handler that throws fails the request with its message", async () => {
    model.respond(() => {
      throw new Error("no idea");
    });
    const answer = await ask(model);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("no idea");
  });

  test("a part that throws fails the request with its message", async () => {
    const broken = () => {
      throw new Error("no steps");
    };
    model.enqueue([reply.text("Hi"), { steps: broken }]);
    const answer = await ask(model);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("no steps");
  });

  test("one reply sent twice has ids of its own each time", async () => {
    model.respond(() => reply.text("again"));
    const [first, second] = [await eventsOf(await ask(model)), await eventsOf(await ask(model))];
    expect(JSON.stringify(first)).not.toBe(JSON.stringify(second));
    expect(first.map(({ type }) => type)).toEqual(second.map(({ type }) => type));
  });
});

describe("what is asked", () => {
  test("a request is taken apart", async () => {
    const input = [
      { type: "message", role: "user", content: [{ type: "input_text", text: "first" }] },
      { type: "function_call", call_id: "c1", name: "exec_command", arguments: "{}" },
      { type: "function_call_output", call_id: "c1", output: "plain" },
      {
        type: "custom_tool_call_output",
        call_id: "c2",
        output: [{ type: "input_text", text: "a" }, { type: "input_image" }, { text: "b" }],
      },
      { type: "message", role: "user", content: "last" },
    ];
    const schema = { type: "object" };
    const body = { model: "m", input, tools: [{ name: "t" }], text: { format: { schema } } };
    const headers = {
      "thread-id": "thread",
      "x-openai-subagent": "collab_spawn",
      "x-codex-parent-thread-id": "parent",
      "x-codex-turn-metadata": JSON.stringify({ turn_id: "turn", request_kind: "compaction" }),
    };
    await (await ask(model, { headers, body })).text();

    expect(model.requests).toHaveLength(1);
    expect(model.requests[0]).toMatchObject({
      threadId: "thread",
      turnId: "turn",
      kind: "compaction",
      subagent: "collab_spawn",
      parentThreadId: "parent",
      model: "m",
      input,
      lastUserText: "last",
      tools: [{ name: "t" }],
      toolOutputs: [
        { callId: "c1", output: "plain" },
        { callId: "c2", output: "ab" },
      ],
      outputSchema: schema,
      body,
    });
  });

  test("what the server adds about the surroundings is not what the user said", async () => {
    const said = (text: string) => ({
      type: "message",
      role: "user",
      content: [{ type: "input_text", text }],
    });
    const midnight =
      "<environment_context>\n  <current_date>2030-01-01</current_date>\n</environment_context>";
    const body = { model: "m", input: [said("Hi"), said(midnight)] };
    await (await ask(model, { body })).text();
    expect(model.requests[0]?.lastUserText).toBe("Hi");
  });

  test("a request without anything in it is taken apart too", async () => {
    await (await ask(model, { headers: { "x-codex-turn-metadata": "{broken" } })).text();
    expect(model.requests[0]).toMatchObject({
      threadId: undefined,
      turnId: undefined,
      kind: "turn",
      subagent: undefined,
      model: "",
      input: [],
      lastUserText: "",
      toolOutputs: [],
      outputSchema: undefined,
    });
  });

  test("each request is given out once, whether it came before or comes after", async () => {
    await (await ask(model, { body: { model: "early" } })).text();
    expect((await model.nextRequest()).model).toBe("early");
    const late = model.nextRequest();
    await (await ask(model, { body: { model: "late" } })).text();
    expect((await late).model).toBe("late");
  });

  test("waiting for some requests leaves the others for later", async () => {
    const b = model.nextRequest({ where: ({ threadId }) => threadId === "b" });
    await (await ask(model, { headers: { "thread-id": "a" } })).text();
    await (await ask(model, { headers: { "thread-id": "b" } })).text();
    expect((await b).threadId).toBe("b");
    expect((await model.nextRequest()).threadId).toBe("a");
  });

  test("waiting ends with the signal's reason and leaves no listener behind", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = model.nextRequest({ signal });
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(model.nextRequest({ signal })).rejects.toBe(reason);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("waiting ends when the model closes", async () => {
    const waiting = model.nextRequest();
    await Promise.all([
      expect(waiting).rejects.toMatchObject({ code: "MODEL_CLOSED" }),
      model.close(),
    ]);
    await expect(model.nextRequest()).rejects.toMatchObject({ code: "MODEL_CLOSED" });
  });

  test("a request's signal aborts when its caller leaves", async () => {
    model.enqueue(reply.hang());
    const caller = new AbortController();
    const answer = await ask(model, { signal: caller.signal });
    const { signal } = await model.nextRequest();
    expect(signal.aborted).toBe(false);
    const left = new Promise((resolve) => {
      signal.addEventListener("abort", resolve, { once: true });
    });
    caller.abort();
    await left;
    await expect(answer.text()).rejects.toThrow();
  });

  test("anything but a request for a response is refused", async () => {
    expect((await fetch(`${model.url}/models`)).status).toBe(404);
    const broken = await fetch(`${model.url}/responses`, { method: "POST", body: "{" });
    expect(broken.status).toBe(400);
    expect(model.requests).toHaveLength(0);
  });
});

describe("how a reply is sent", () => {
  test("a gate holds the stream until it is opened", async () => {
    const gate = reply.hold();
    model.enqueue(reply.text(["a", gate, "b"]));
    const answer = await ask(model);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    await gate.reached;
    let seen = "";
    while (!seen.includes('"delta":"a"')) seen += (await reader?.read())?.value ?? "";
    expect(seen).not.toContain('"delta":"b"');
    gate.release();
    while (!seen.includes("response.completed")) seen += (await reader?.read())?.value ?? "";
    expect(seen).toContain('"delta":"b"');
    expect((await reader?.read())?.done).toBe(true);
  });

  test("everything before a dropped connection arrives", async () => {
    model.enqueue([reply.unfinishedText(["cut", " off"]), reply.drop()]);
    const reader = (await ask(model)).body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = "";
    const readAll = async () => {
      for (;;) {
        const chunk = await reader?.read();
        if (chunk?.done !== false) return;
        seen += chunk.value;
      }
    };
    await expect(readAll()).rejects.toThrow();
    expect(seen).toContain('"delta":" off"');
    expect(seen).not.toContain("response.output_item.done");
  });

  test("a large reply arrives whole at a reader that is slower", async () => {
    const piece = "x".repeat(100);
    model.enqueue(reply.text(Array.from({ length: 20_000 }, () => piece)));
    const deltas = await deltasOf(await ask(model));
    expect(deltas).toHaveLength(20_000);
    expect(deltas.every((delta) => delta === piece)).toBe(true);
  });

  test("headers of a part are headers of the answer", async () => {
    model.enqueue([reply.text("hi"), reply.headers({ "openai-model": "other" })]);
    const answer = await ask(model);
    expect(answer.headers.get("openai-model")).toBe("other");
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    await answer.text();
  });
});

describe("closing", () => {
  test("closing ends held, hanging and waiting streams, and frees the port", async () => {
    model.enqueue(reply.hold(), reply.hang(), reply.delay(2 ** 30));
    const answers = [await ask(model), await ask(model), await ask(model)];
    const ends = answers.map((answer) => expect(answer.text()).rejects.toThrow());
    await model.close();
    await Promise.all(ends);
    await expect(fetch(model.url)).rejects.toThrow();
  });

  test("closing ends a request whose handler never answers", async () => {
    model.respond(() => new Promise(() => {}));
    const answer = expect(ask(model)).rejects.toThrow();
    await model.nextRequest();
    await model.close();
    await answer;
  });

  test("closing ends connections that have not asked anything", async () => {
    const socket = connect(Number(new URL(model.url).port), "127.0.0.1");
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.once("connect", resolve));
    const ended = new Promise((resolve) => socket.once("close", resolve));
    await model.close();
    await ended;
  });

  test("closing leaves nothing that keeps the process alive", async () => {
    const script = path.join(import.meta.dirname, "../../support/closed-model.ts");
    const args = ["--unhandled-rejections=strict", await compileProgram(script)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 });
    expect(stdout).toBe("closed\n");
  });

  test("closing again is the same closing", async () => {
    expect(model.close()).toBe(model.close());
    await model.close();
  });

  test("await using closes the model", async () => {
    let url = "";
    {
      await using used = await startLoopbackModel();
      url = used.url;
    }
    await expect(fetch(url)).rejects.toThrow();
  });

  test("a port that is taken is reported", async () => {
    const port = Number(new URL(model.url).port);
    await expect(startLoopbackModel({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
