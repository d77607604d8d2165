import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  ConfigWriteError,
  FeatureNotChangedError,
  InvalidRequestError,
  type AppServerClient,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { testWhere } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let client: AppServerClient;

beforeAll(async () => {
  stage = await RealStage.open();
  client = await stage.client();
});
beforeEach(() => rm(userFile(), { force: true }));
afterAll(() => stage.close());

function userFile(): string {
  return path.join(stage.home, "config.toml");
}

describe("writing the configuration", () => {
  test("changes what reading it gives, and null takes the setting out again", async () => {
    const written = await client.config.write("model_verbosity", "low");
    expect(written).toMatchObject({ status: "ok", filePath: userFile() });
    const { config, origins } = await client.config.read();
    expect(config.model_verbosity).toBe("low");
    expect(origins["model_verbosity"]?.name).toMatchObject({ type: "user", file: userFile() });

    await client.config.write("model_verbosity", null);
    expect((await client.config.read()).config.model_verbosity).toBeNull();
  });

  test("is refused when the file has changed since the version that was read", async () => {
    const expectedVersion = await client.config.version();
    await client.config.write("model_verbosity", "low", { expectedVersion });

    const late = client.config.write("model_verbosity", "high", { expectedVersion });
    const error = await rejection(late);
    expect(error).toBeInstanceOf(ConfigWriteError);
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error).toMatchObject({ code: "CONFIG_WRITE_REFUSED", reason: "configVersionConflict" });

    const again = { expectedVersion: await client.config.version() };
    const { version } = await client.config.write("model_verbosity", "high", again);
    expect(await client.config.version()).toBe(version);
    expect((await client.config.read()).config.model_verbosity).toBe("high");
  });

  test("writes all of a batch, or nothing", async () => {
    const good = { keyPath: "model_reasoning_summary", value: "concise" };
    const refused = client.config.batchWrite([good, { keyPath: "model_verbosity", value: "loud" }]);
    const error = await rejection(refused);
    expect(error).toMatchObject({ name: "ConfigWriteError", reason: "configValidationError" });
    expect(error.message).not.toContain("loud");
    expect(existsSync(userFile())).toBe(false);

    await client.config.batchWrite([good, { keyPath: "model_verbosity", value: "low" }]);
    const { config } = await client.config.read();
    expect(config).toMatchObject({ model_reasoning_summary: "concise", model_verbosity: "low" });
  });

  test("replaces a table, or adds to it", async () => {
    const table = async () => (await client.config.read()).config["mcp_servers"];
    await client.config.write("mcp_servers.one", { command: "true", env: { A: "1" } });
    await client.config.write("mcp_servers.one", { env: { B: "2" } }, { mergeStrategy: "upsert" });
    expect(await table()).toMatchObject({ one: { command: "true", env: { A: "1", B: "2" } } });
    await client.config.write("mcp_servers.one", { command: "false" });
    expect(await table()).toMatchObject({ one: { command: "false" } });
    expect(JSON.stringify(await table())).not.toContain('"A"');
  });

  test("takes names with dots, quotes, backslashes and spaces as parts of a path", async () => {
    const names = ["a.b", 'quo"te', "back\\slash", "two words", "tab\there", "é"];
    await client.config.batchWrite(
      names.map((name) => ({ keyPath: ["desktop", name, "on"], value: true })),
    );
    const { desktop } = (await client.config.read()).config;
    expect(desktop).toEqual(Object.fromEntries(names.map((name) => [name, { on: true }])));
  });

  test("tells when something else hides what was written", async () => {
    const written = await client.config.write("model", "other-model");
    expect(written).toMatchObject({
      status: "okOverridden",
      overriddenMetadata: {
        overridingLayer: { name: { type: "sessionFlags" } },
        effectiveValue: "mock-model",
      },
    });
    const { config, layers } = await client.config.read({ includeLayers: true });
    expect(config.model).toBe("mock-model");
    expect(layers?.find(({ name }) => name.type === "user")?.config).toEqual({
      model: "other-model",
    });
  });

  test("reaches the user's file only", async () => {
    const filePath = path.join(stage.project, "config.toml");
    const error = await rejection(client.config.write("model", "other-model", { filePath }));
    expect(error).toMatchObject({ name: "ConfigWriteError", reason: "configLayerReadonly" });
    expect(existsSync(filePath)).toBe(false);
  });

  test("reaches a loaded thread when it is reloaded, and not before", async () => {
    const mark = path.join(stage.project, "hooked");
    const hook = { type: "command", command: `touch '${mark}'` };
    const hooks = { UserPromptSubmit: [{ hooks: [hook] }] };
    await writeFile(path.join(stage.home, "hooks.json"), JSON.stringify({ hooks }));
    const thread = await client.startThread();
    const run = async () => {
      stage.model.enqueueFor(thread.id, reply.text("Done."));
      await thread.run("Hi");
      return existsSync(mark);
    };

    const [listed] = (await client.hooks.list())[0]?.hooks ?? [];
    const keyPath = ["hooks", "state", listed?.key ?? "", "trusted_hash"];
    await client.config.write(keyPath, listed?.currentHash ?? "");
    expect(await run()).toBe(false);
    await client.config.reload();
    expect(await run()).toBe(true);

    await client.config.write(keyPath, null, { reloadUserConfig: true });
    await rm(mark);
    expect(await run()).toBe(false);
    await rm(path.join(stage.home, "hooks.json"));
  });
});

test("there are no requirements where no administrator has made any", async () => {
  expect(await client.config.requirements()).toBeNull();
});

describe("features", () => {
  const enabled = async (name: string) =>
    (await client.features.list().all()).find((feature) => feature.name === name)?.enabled;

  test("are listed in pages, and switched while the server runs", async () => {
    const paged = client.features.list({ limit: 50 });
    const first = await paged.page();
    expect(first.data).toHaveLength(50);
    const all = await paged.all();
    expect(all.length).toBeGreaterThan(50);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);

    expect(await enabled("memories")).toBe(false);
    await client.features.set({ memories: true });
    expect(await enabled("memories")).toBe(true);
    await client.features.set({ memories: false });
    expect(await enabled("memories")).toBe(false);
  });

  test("that the server leaves as they are make it an error, and the others hold", async () => {
    const asked = { memories: true, plugins: true, "no-such-feature": true };
    const error = await rejection(client.features.set(asked));
    expect(error).toBeInstanceOf(FeatureNotChangedError);
    expect(error).toMatchObject({
      code: "FEATURE_NOT_CHANGED",
      features: ["plugins", "no-such-feature"],
    });
    expect(await enabled("memories")).toBe(true);
  });

  test("that the configuration fixes make it an error, though the server agrees", async () => {
    const { config } = stage.options();
    const features = { memories: false };
    const fixed = await stage.client({ config: { ...config, features } });
    const set = await fixed.request("experimentalFeature/enablement/set", {
      enablement: { memories: true },
    });
    expect(set.enablement).toEqual({ memories: true });
    expect(await rejection(fixed.features.set({ memories: true }))).toMatchObject({
      features: ["memories"],
    });
    await fixed.close();
  });
});

describe("permission profiles", () => {
  test("are listed in pages, with whether they are allowed", async () => {
    const profiles = client.permissionProfiles({ cwd: stage.project, limit: 1 });
    expect(await profiles.page()).toMatchObject({
      data: [{ id: ":read-only", allowed: true }],
      nextCursor: expect.any(String),
    });
    const ids = (await profiles.all()).map(({ id }) => id);
    expect(ids).toEqual([":read-only", ":workspace", ":danger-full-access"]);
  });
});

const listTest = await testWhere("modelProvider/list");
const defaultTest = await testWhere("modelProvider/default/set");

describe("model providers", () => {
  listTest("are listed, added, and used by a thread that names them", async () => {
    const before = await client.modelProviders.list();
    expect(before.defaultProviderId).toBe("mock");
    expect(before.data.map(({ id }) => id)).toEqual(["mock", "openai"]);

    const baseUrl = stage.model.url;
    const added = await client.modelProviders.configure({
      type: "customGateway",
      name: "Second",
      baseUrl,
    });
    expect(added).toMatchObject({ name: "Second", baseUrl, canEdit: true });
    expect((await client.modelProviders.list()).data).toContainEqual(added);
    expect(await readFile(userFile(), "utf8")).toContain(`[model_providers.${added.id}]`);

    const thread = await client.startThread({ modelProvider: added.id });
    stage.model.enqueueFor(thread.id, reply.text("From the second."));
    expect(await thread.run("Hi")).toMatchObject({ finalResponse: "From the second." });
  });

  defaultTest("are made the default by their id, for the threads to come", async () => {
    await using own = await RealStage.open();
    const file = path.join(own.home, "config.toml");
    // In the user's file, so that nothing given to the client hides it.
    await writeFile(file, 'model_provider = "mock"\n');
    const config = { ...own.options().config };
    delete config["model_provider"];
    const codex = own.codex({ config });
    expect(await codex.modelProviders.list()).toMatchObject({
      defaultProviderId: "mock",
      canChangeDefault: true,
    });
    const second = await codex.modelProviders.configure({
      type: "customGateway",
      name: "Second",
      baseUrl: own.model.url,
    });
    const before = await codex.startThread();
    expect(await codex.modelProviders.setDefault(second.id)).toMatchObject({ status: "ok" });
    expect((await codex.modelProviders.list()).defaultProviderId).toBe(second.id);
    expect(await readFile(file, "utf8")).toContain(`model_provider = "${second.id}"`);
    const after = await codex.startThread();
    expect(before.opened?.modelProvider).toBe("mock");
    expect(after.opened?.modelProvider).toBe(second.id);

    const unknown = await rejection(codex.modelProviders.setDefault("nobody"));
    expect(unknown).toBeInstanceOf(ConfigWriteError);
    expect(unknown).toMatchObject({ reason: "configValidationError" });
    expect((await codex.modelProviders.list()).defaultProviderId).toBe(second.id);
  });

  defaultTest(
    "are written as the default, and said to be hidden, under a setting of the client",
    async () => {
      await using own = await RealStage.open();
      const codex = own.codex();
      expect(await codex.modelProviders.setDefault("openai")).toMatchObject({
        status: "okOverridden",
        overriddenMetadata: { effectiveValue: "mock" },
      });
      expect(await codex.modelProviders.list()).toMatchObject({
        defaultProviderId: "mock",
        canChangeDefault: false,
      });
    },
  );

  test("tell what they can do besides text", async () => {
    expect(await client.modelProviders.capabilities()).toMatchObject({
      imageGeneration: expect.any(Boolean),
      webSearch: expect.any(Boolean),
    });
  });
});
