import { describe, expect, test } from "@jest/globals";
import { QueueProbe } from "../../../lib/jsonrpc/queue-probe.js";
import { rejection, settled } from "../../support/collect.js";
import { later, linked, ResponseError } from "../../support/linked-server.js";

/** An admission whose questions have the ids from 100 on. */
function admission() {
  const questions: number[] = [];
  const taken: number[] = [];
  const made = new QueueProbe(() => {
    questions.push(100 + questions.length);
    return questions.at(-1);
  });
  const send = (id: number) => {
    made.sent(id, () => taken.push(id));
  };
  return { made, questions, taken, send };
}

test("a request is taken up when a later one was answered, not an earlier one", () => {
  const { made, taken, send } = admission();
  send(5);
  send(7);
  made.answered(4);
  expect(taken).toEqual([]);
  made.answered(6);
  expect(taken).toEqual([5]);
  made.answered(8);
  expect(taken).toEqual([5, 7]);
});

test("there is one question at a time, and another one for what was sent behind it", () => {
  const { made, questions, taken, send } = admission();
  send(98);
  send(99);
  expect(questions).toEqual([100]);
  made.answered(100);
  expect(taken).toEqual([98, 99]);
  expect(questions).toEqual([100]);
  send(200);
  expect(questions).toEqual([100, 101]);
});

test("what was sent behind a question is asked about when that is answered", () => {
  const { made, questions, taken, send } = admission();
  send(99);
  send(150);
  made.answered(100);
  expect(taken).toEqual([99]);
  expect(questions).toEqual([100, 101]);
});

test("a question that is lost is replaced by a later answer; one that is refused by the next", () => {
  const lost = admission();
  lost.send(99);
  lost.send(150);
  lost.made.answered(120);
  expect([lost.taken, lost.questions]).toEqual([[99], [100, 101]]);
  const refused = admission();
  refused.send(99);
  refused.made.gone(100);
  refused.send(150);
  expect([refused.taken, refused.questions]).toEqual([[], [100, 101]]);
});

test("a request that is over is forgotten", () => {
  const { made, taken, send } = admission();
  send(5);
  made.gone(5);
  made.answered(6);
  expect(taken).toEqual([]);
});

describe("requests that take long", () => {
  const long = { longRunning: true };

  test("give their places back while they go on, and others pass", async () => {
    await using pair = await linked({ maxInFlight: 2 });
    const { client, server } = pair;
    server.handle("command/exec", () => later);
    const execs = Array.from({ length: 9 }, (_, index) =>
      client.request("command/exec", { command: [`tool-${index}`] }, long),
    );
    const requests = await Promise.all(execs.map(() => server.nextRequest("command/exec")));
    expect(requests.map(({ params }) => params["command"])).toEqual(
      Array.from({ length: 9 }, (_, index) => [`tool-${index}`]),
    );
    await client.request("model/list", {});
    for (const request of requests) server.respond(request, { exitCode: 0 });
    expect(await Promise.all(execs)).toHaveLength(9);
  });

  test("keep their places until the server has taken them up", async () => {
    await using pair = await linked({ maxInFlight: 2 });
    const { client, server } = pair;
    server.handle("command/exec", () => later);
    server.handle("fs/unwatch", () => later);
    const exec = () => client.request("command/exec", { command: ["tool"] }, long);
    const execs = [exec(), exec(), exec(), exec(), exec()];
    const question = await server.nextRequest("fs/unwatch");
    await settled();
    expect(server.paramsOf("command/exec")).toHaveLength(2);
    server.respond(question, {});
    await server.nextRequest("fs/unwatch");
    await settled();
    // The question came behind the first only.
    expect(server.paramsOf("command/exec")).toHaveLength(3);
    const closed = Promise.all(execs.map(rejection));
    await client.close();
    expect(await closed).toHaveLength(5);
  });

  test("do not pass when the question was refused for lack of room", async () => {
    await using pair = await linked({ maxInFlight: 1 });
    const { client, server } = pair;
    server.handle("command/exec", () => later);
    server.handle("fs/unwatch", () => {
      throw new ResponseError(-32_001, "Server overloaded; retry later.");
    });
    const first = client.request("command/exec", { command: ["tool"] }, long);
    const second = client.request("model/list", {});
    const request = await server.nextRequest("command/exec");
    await server.nextRequest("fs/unwatch");
    await settled();
    expect(server.paramsOf("model/list")).toEqual([]);
    server.respond(request, { exitCode: 0 });
    await Promise.all([first, second]);
  });

  test("have no deadline unless they are given one", async () => {
    await using pair = await linked({ requestTimeoutMs: 20 });
    const { client, server } = pair;
    server.handle("command/exec", () => later);
    const exec = (options = {}) =>
      client.request("command/exec", { command: ["tool"] }, { ...long, ...options });
    const patient = exec();
    const request = await server.nextRequest("command/exec");
    const timeouts = [exec({ timeoutMs: 30 }), client.request("command/exec", { command: ["x"] })];
    for (const error of await Promise.all(timeouts.map(rejection))) {
      expect(error).toMatchObject({ code: "REQUEST_TIMEOUT" });
    }
    server.respond(request, { exitCode: 0 });
    expect(await patient).toMatchObject({ exitCode: 0 });
  });
});
