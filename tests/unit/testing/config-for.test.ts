import { expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import path from "node:path";

import { Codex, type CodexOptions } from "../../../lib/index.js";
import { configFor, startLoopbackModel } from "../../../lib/testing/index.js";

test("the configuration names the model's address and switches off what needs a network", async () => {
  await using model = await startLoopbackModel();
  const { config } = await configFor(model);
  expect(config).toEqual({
    model: "mock-model",
    model_provider: "mock",
    approval_policy: "never",
    sandbox_mode: "danger-full-access",
    model_providers: {
      mock: {
        name: "Loopback model",
        base_url: model.url,
        wire_api: "responses",
        request_max_retries: 0,
        stream_max_retries: 0,
      },
    },
    features: {
      plugins: false,
      apps: false,
      shell_snapshot: false,
      unbounded_connection_retries: false,
    },
    analytics: { enabled: false },
  });
});

test("overrides are merged into what is there", async () => {
  await using model = await startLoopbackModel();
  const { config, env } = await configFor(model, {
    model: "m",
    providerId: "p",
    approvalPolicy: "on-request",
    sandbox: "read-only",
    env: { OPENAI_API_KEY: "mine", EXTRA: "1" },
    config: {
      features: { request_permissions_tool: true, apps: true },
      model_providers: { p: { stream_max_retries: 2 } },
      notify: ["a"],
    },
  });
  expect(config).toMatchObject({
    model: "m",
    model_provider: "p",
    approval_policy: "on-request",
    sandbox_mode: "read-only",
    model_providers: { p: { base_url: model.url, stream_max_retries: 2 } },
    features: { plugins: false, apps: true, request_permissions_tool: true },
    notify: ["a"],
  });
  expect(env).toMatchObject({ OPENAI_API_KEY: "mine", EXTRA: "1" });
  expect(env.CODEX_HOME).toBe(env.HOME);
});

test("every call makes a home of its own, and closing the model removes them", async () => {
  const model = await startLoopbackModel();
  const homes = [await configFor(model), await configFor(model)].map(
    ({ env }) => env.CODEX_HOME ?? "",
  );
  expect(new Set(homes).size).toBe(2);
  for (const home of homes) {
    const { mode } = await stat(home);
    expect(mode & 0o077).toBe(0);
    await writeFile(path.join(home, "file"), "");
  }
  await model.close();
  expect(homes.map((home) => existsSync(home))).toEqual([false, false]);
});

test("a model that is closed gives no configuration", async () => {
  const model = await startLoopbackModel();
  await model.close();
  await expect(configFor(model)).rejects.toMatchObject({ code: "MODEL_CLOSED" });
});

test("what it gives is what the client takes", async () => {
  await using model = await startLoopbackModel();
  const options: CodexOptions = await configFor(model);
  expect(() => new Codex(options)).not.toThrow();
});
