import { expect, test } from "@jest/globals";
import { InvalidArgumentError } from "../../lib/errors/invalid-argument-error.js";
import type { AppServerClientOptions } from "../../lib/options/options.js";
import { ScriptedServer } from "../support/scripted-server.js";
import { errorOf } from "./error-of.js";

const positive = "must be a positive number of milliseconds";
const loose = (options: unknown) => options as AppServerClientOptions;

test.each<[options: AppServerClientOptions, argument: string, problem: string]>([
  [
    { clientInfo: { name: "two\nlines", version: "1" } },
    "clientInfo.name",
    "must be printable ASCII, as an HTTP header is",
  ],
  [
    { clientInfo: { name: "", version: "1" } },
    "clientInfo.name",
    "must be printable ASCII, as an HTTP header is",
  ],
  [
    { clientInfo: { name: "naïve", version: "1" } },
    "clientInfo.name",
    "must be printable ASCII, as an HTTP header is",
  ],
  [loose({ clientInfo: { name: "x" } }), "clientInfo.version", "must be a string"],
  [loose({ experimentalApi: "yes" }), "experimentalApi", "must be true or false"],
  [loose({ allowUnsupportedServer: 1 }), "allowUnsupportedServer", "must be true or false"],
  [
    loose({ optOutNotificationMethods: "fs/changed" }),
    "optOutNotificationMethods",
    "must be an array of method names",
  ],
  [
    { optOutNotificationMethods: ["deprecationNotice", "turn/completed"] },
    "optOutNotificationMethods",
    "must not name turn/completed, which the library relies on",
  ],
  [{ requestTimeoutMs: 0 }, "requestTimeoutMs", positive],
  [{ requestTimeoutMs: Number.NaN }, "requestTimeoutMs", positive],
  [loose({ startTimeoutMs: "30s" }), "startTimeoutMs", positive],
  [{ startTimeoutMs: -1 }, "startTimeoutMs", positive],
  [{ maxInFlight: 0 }, "maxInFlight", "must be a whole number, 1 or more"],
  [{ maxInFlight: 1.5 }, "maxInFlight", "must be a whole number, 1 or more"],
  [{ maxInFlight: Infinity }, "maxInFlight", "must be a whole number, 1 or more"],
  [{ maxMessageBytes: 65_535 }, "maxMessageBytes", "must be a whole number, 65536 or more"],
  [loose({ signal: {} }), "signal", "must be an AbortSignal"],
  [loose({ onStderr: true }), "onStderr", "must be a function"],
  [loose({ retryOnOverload: "yes" }), "retryOnOverload", "must be true, false or an object"],
  [
    { retryOnOverload: { retries: -1 } },
    "retryOnOverload.retries",
    "must be a whole number, 0 or more",
  ],
])("options %j are refused before anything is started", async (options, argument, problem) => {
  await using server = await ScriptedServer.create();
  const error = await errorOf(server.start(options));
  expect(error).toBeInstanceOf(InvalidArgumentError);
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
  expect(error.message).toBe(`${argument} ${problem}`);
  expect(await server.log()).toEqual([]);
});

test.each(["thread/queue/changed", "item/fileChange/patchUpdated"])(
  "the library does without many notifications, but not %s",
  async (method) => {
    await using server = await ScriptedServer.create();
    const error = await errorOf(server.start({ optOutNotificationMethods: [method] }));
    expect(error.message).toContain(`must not name ${method}`);
  },
);
