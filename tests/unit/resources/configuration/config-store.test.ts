import { expect, test } from "@jest/globals";
import { ConfigWriteError } from "../../../../lib/errors/config-errors.js";
import { toRpcError } from "../../../../lib/errors/to-rpc-error.js";
import { rejection } from "../../../support/collect.js";
import { linked } from "../../../support/linked-server.js";

test("a write is a batch of one, which replaces unless told otherwise", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  await client.config.write(["desktop", "a.b"], 1);
  const options = {
    mergeStrategy: "upsert",
    expectedVersion: "v1",
    reloadUserConfig: true,
  } as const;
  await client.config.write("model", null, options);
  await client.config.reload();
  expect(server.paramsOf("config/batchWrite")).toEqual([
    { edits: [{ keyPath: 'desktop."a.b"', value: 1, mergeStrategy: "replace" }] },
    {
      edits: [{ keyPath: "model", value: null, mergeStrategy: "upsert" }],
      expectedVersion: "v1",
      reloadUserConfig: true,
    },
    { edits: [], reloadUserConfig: true },
  ]);
});

test("a value or a path that is missing is told by its place, before anything is sent", async () => {
  await using pair = await linked();
  const { config } = pair.client;
  const missing = {} as { value: string };
  expect(await rejection(config.write("model", missing.value))).toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "value",
  });
  expect(await rejection(config.write("", "x"))).toMatchObject({ argument: "keyPath" });
  const good = { keyPath: "model", value: "x" };
  const batch = [good, { keyPath: ["a", ""], value: 1 }];
  expect(await rejection(config.batchWrite(batch))).toMatchObject({
    argument: "changes[1].keyPath[1]",
  });
  expect(
    await rejection(config.batchWrite([good, { ...good, ...missing }, { keyPath: "a" } as never])),
  ).toMatchObject({
    argument: "changes[2].value",
  });
  expect(pair.server.requests).toHaveLength(1);
});

test("the version is that of the user's file, or null without one", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const layers = [
    { name: { type: "sessionFlags" }, version: "v1" },
    { name: { type: "user", file: "/home/user/.codex/config.toml", profile: null }, version: "v2" },
    { name: { type: "system", file: "/etc/codex/config.toml" }, version: "v3" },
  ];
  server.handle("config/read", () => ({ config: {}, origins: {}, layers }));
  expect(await client.config.version()).toBe("v2");
  server.handle("config/read", () => ({ config: {}, origins: {}, layers: [layers[0]] }));
  expect(await client.config.version()).toBeNull();
  server.handle("config/read", () => ({ config: {}, origins: {} }));
  expect(await client.config.version()).toBeNull();
});

test("a refusal to write tells its reason, whatever the sentence and however new it is", () => {
  const refuse = (config_write_error_code: unknown, message = "thread not found") =>
    toRpcError("config/batchWrite", { code: -32_600, message, data: { config_write_error_code } });
  const error = refuse("configVersionConflict");
  expect(error).toBeInstanceOf(ConfigWriteError);
  expect(error).toMatchObject({ reason: "configVersionConflict", rpcCode: -32_600 });
  expect(refuse("configOnTheMoon")).toMatchObject({ reason: "configOnTheMoon" });
  expect(refuse("configValidationError", "keyPath must not be empty")).toMatchObject({
    code: "CONFIG_WRITE_REFUSED",
  });
  expect(refuse(7)).toMatchObject({ code: "THREAD_NOT_FOUND" });
});
