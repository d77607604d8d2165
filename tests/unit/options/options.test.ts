import { describe, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { resolveSettings, type ConnectionSettings } from "../../../lib/options/options.js";
import { SDK_VERSION } from "../../../lib/version.js";

test("without options every default is filled in", () => {
  const { logger, callbacks, ...settings } = resolveSettings({});
  expect(settings).toEqual({
    clientInfo: { name: "codex-app-server-sdk", title: null, version: SDK_VERSION },
    experimentalApi: true,
    trustProject: false,
    optOutNotificationMethods: [],
    requestTimeoutMs: 60_000,
    startTimeoutMs: 30_000,
    maxInFlight: 64,
    maxMessageBytes: 268_435_456,
    maxTotalBacklogBytes: 268_435_456,
    allowUnsupportedServer: false,
    retryOnOverload: undefined,
    signal: undefined,
    onStderr: undefined,
  });
  expect(callbacks.logger).toBe(logger);
  expect(Object.keys(logger).sort()).toEqual(["debug", "error", "info", "warn"]);
});

test("undefined is the same as nothing", () => {
  const names = Object.keys(resolveSettings({})).filter(
    (name) => name !== "logger" && name !== "callbacks",
  );
  const nothing = Object.fromEntries(names.map((name) => [name, undefined]));
  const given = resolveSettings(nothing);
  const defaults = resolveSettings({});
  const { logger, callbacks } = defaults;
  expect({ ...given, logger, callbacks }).toEqual(defaults);
  expect(Object.keys(given.logger)).toEqual(Object.keys(logger));
});

test("SDK_VERSION is the version in package.json", async () => {
  const file = new URL("../../../package.json", import.meta.url);
  const { version } = JSON.parse(await readFile(file, "utf8")) as { version: string };
  expect(SDK_VERSION).toBe(version);
});

test.each<[ConnectionSettings["retryOnOverload"], unknown]>([
  [true, {}],
  [false, undefined],
  [undefined, undefined],
  [{ retries: 2 }, { retries: 2 }],
])("retryOnOverload: %j", (value, expected) => {
  expect(resolveSettings({ retryOnOverload: value }).retryOnOverload).toEqual(expected);
});

test("the client's own name may have a title", () => {
  const clientInfo = { name: "my app", title: "My App", version: "1.2.3" };
  expect(resolveSettings({ clientInfo }).clientInfo).toEqual(clientInfo);
  const untitled = { name: "my app", version: "1.2.3" };
  expect(resolveSettings({ clientInfo: untitled }).clientInfo).toEqual({
    ...untitled,
    title: null,
  });
});

const ms = "must be a positive number of milliseconds";
const header = "must be printable ASCII, as an HTTP header is";

test.each<[object, string, string]>([
  [{ clientInfo: { name: "", version: "1" } }, "clientInfo.name", header],
  [{ clientInfo: { name: "a\nb", version: "1" } }, "clientInfo.name", header],
  [{ clientInfo: { name: "caf\u00e9", version: "1" } }, "clientInfo.name", header],
  [{ clientInfo: { name: 7, version: "1" } }, "clientInfo.name", header],
  [{ clientInfo: { name: "app" } }, "clientInfo.version", "must be a string"],
  [{ experimentalApi: "yes" }, "experimentalApi", "must be true or false"],
  [{ allowUnsupportedServer: 1 }, "allowUnsupportedServer", "must be true or false"],
  [
    { optOutNotificationMethods: "turn/diff/updated" },
    "optOutNotificationMethods",
    "must be an array of method names",
  ],
  [{ requestTimeoutMs: 0 }, "requestTimeoutMs", ms],
  [{ requestTimeoutMs: "60000" }, "requestTimeoutMs", ms],
  [{ startTimeoutMs: -1 }, "startTimeoutMs", ms],
  [{ startTimeoutMs: NaN }, "startTimeoutMs", ms],
  [{ maxInFlight: 0 }, "maxInFlight", "must be a whole number, 1 or more"],
  [{ maxInFlight: 1.5 }, "maxInFlight", "must be a whole number, 1 or more"],
  [{ maxInFlight: Infinity }, "maxInFlight", "must be a whole number, 1 or more"],
  [{ maxMessageBytes: 65_535 }, "maxMessageBytes", "must be a whole number, 65536 or more"],
  [{ retryOnOverload: "often" }, "retryOnOverload", "must be true, false or an object"],
  [{ retryOnOverload: null }, "retryOnOverload", "must be true, false or an object"],
  [
    { retryOnOverload: { retries: -1 } },
    "retryOnOverload.retries",
    "must be a whole number, 0 or more",
  ],
  [{ signal: new AbortController() }, "signal", "must be an AbortSignal"],
  [{ onStderr: "log" }, "onStderr", "must be a function"],
])("%j is refused by name", (options, argument, problem) => {
  const attempt = () => resolveSettings(options);
  expect(attempt).toThrow(InvalidArgumentError);
  expect(attempt).toThrow(expect.objectContaining({ argument, message: `${argument} ${problem}` }));
});

describe("the logger", () => {
  test("may have any of its methods, and is called as a method", () => {
    const lines: string[] = [];
    class Lines {
      warn(message: string): void {
        this.add(message);
      }
      add(message: string): void {
        lines.push(message);
      }
    }
    const { logger } = resolveSettings({ logger: new Lines() });
    logger.warn("careful");
    logger.error("nobody hears this");
    expect(lines).toEqual(["careful"]);
  });

  test("that throws is ignored", () => {
    const heard: string[] = [];
    const warn = (message: string): void => {
      heard.push(message);
      throw new Error("disk full");
    };
    const { logger } = resolveSettings({ logger: { warn } });
    logger.warn("careful");
    expect(heard).toEqual(["careful"]);
  });
});
