import { describe, expect, test } from "@jest/globals";
import { Codex, InvalidArgumentError, RequestNotPendingError } from "../../../lib/index.js";
import { handlersIn } from "../../../lib/server-requests/handlers.js";
import { linked, linkedThread } from "../../support/linked-server.js";

const wrong: readonly (readonly [string, object, string])[] = [
  ["onApproval", { onApproval: "yes" }, '"acceptForSession"'],
  ["onApproval", { onApproval: "cancel" }, "must be"],
  ["onApproval", { onApproval: null }, "must be"],
  ["onApproval", { onApproval: { commands: "accept" } }, "must name command"],
  ["onApproval.command", { onApproval: { command: "cancel" } }, "must be"],
  ["onApproval.fileChange", { onApproval: { fileChange: {} } }, "must be"],
  ["onUserInput", { onUserInput: "red" }, "must be a function"],
  ["onElicitation", { onElicitation: null }, "must be a function"],
  ["onCurrentTime", { onCurrentTime: 1 }, "must be a function"],
  ["handlers", { handlers: "all" }, "must be an object"],
  ['handlers["item/tool/call"]', { handlers: { "item/tool/call": true } }, "must be a function"],
];

function invalid(argument: string, problem: string): object {
  return expect.objectContaining({
    argument,
    message: expect.stringContaining(problem) as unknown,
    code: "INVALID_ARGUMENT",
  });
}

describe("handlers that cannot work are refused before anything is sent", () => {
  test.each(wrong)("%s: %j", async (argument, options, problem) => {
    await using pair = await linkedThread();
    const sent = pair.server.requests.length;
    const error = invalid(argument, problem);
    expect(() => new Codex(options)).toThrow(InvalidArgumentError);
    await expect(linked(options)).rejects.toEqual(error);
    await expect(pair.client.startThread(options)).rejects.toEqual(error);
    await expect(pair.client.resumeThread("thread-1", options)).rejects.toEqual(error);
    await expect(pair.client.forkThread("thread-1", options)).rejects.toEqual(error);
    await expect(pair.thread.fork(options)).rejects.toEqual(error);
    expect(() => pair.client.thread("thread-1", options)).toThrow(InvalidArgumentError);
    expect(() => pair.thread.turn("Hi", options)).toThrow(InvalidArgumentError);
    expect(pair.server.requests).toHaveLength(sent);
  });

  test.each(["onAuthTokenRefresh", "onAttestation"])("%s is for clients only", async (name) => {
    const options = { [name]: () => "token" };
    await using pair = await linkedThread(options);
    await expect(pair.client.startThread(options)).rejects.toEqual(
      invalid(name, "must be given to the client"),
    );
    expect(() => pair.thread.turn("Hi", options)).toThrow(InvalidArgumentError);
    await expect(linked({ [name]: "token" })).rejects.toEqual(invalid(name, "must be a function"));
  });

  test.each(["account/chatgptAuthTokens/refresh", "attestation/generate"] as const)(
    "so is a handler of the method %s",
    async (method) => {
      const options = { handlers: { [method]: () => ({ token: "token" }) } } as object;
      await using pair = await linkedThread(options);
      const error = invalid(`handlers["${method}"]`, "must be given to the client");
      await expect(pair.client.startThread(options)).rejects.toEqual(error);
      await expect(pair.thread.fork(options)).rejects.toEqual(error);
      expect(() => pair.client.thread("thread-1", options)).toThrow(InvalidArgumentError);
      expect(() => pair.thread.turn("Hi", options)).toThrow(InvalidArgumentError);
      expect(() => pair.thread.runGoal("Reach it", options)).toThrow(InvalidArgumentError);
      expect(pair.client.thread("thread-1", { handlers: { [method]: undefined } })).toBeDefined();
    },
  );

  test("handle() takes a method and a function", async () => {
    await using pair = await linked();
    expect(() => pair.client.handle("", () => ({}))).toThrow(InvalidArgumentError);
    expect(() => pair.client.handle(7 as never, (() => ({})) as never)).toThrow(
      InvalidArgumentError,
    );
    expect(() => pair.client.handle("currentTime/read", {} as never)).toThrow(InvalidArgumentError);
  });

  test("Codex.respond() takes a key, not an id, and only what is open", async () => {
    await using codex = new Codex();
    expect(() => {
      codex.respond(0 as never, "accept");
    }).toThrow(InvalidArgumentError);
    expect(() => {
      codex.respond("0", "accept");
    }).toThrow(RequestNotPendingError);
    expect(codex.pendingRequests()).toEqual([]);
  });
});

test("handlers are taken out of options, and what is undefined is none", () => {
  const onApproval = "accept" as const;
  const options = { onApproval, model: "m", onUserInput: undefined };
  expect(handlersIn(options)).toEqual({ onApproval });
  const withoutHandlers = { model: "m", onApproval: undefined };
  expect(handlersIn(withoutHandlers)).toBeUndefined();
});
