import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import type { ConfigObject } from "../runtime/config-args.js";
import { deepMerge } from "./deep-merge.js";
import type { LoopbackModel } from "./loopback-model.js";

export interface LoopbackConfigOverrides {
  /** Model name that the server asks for. Default: `"mock-model"`. */
  readonly model?: string;
  /** Id of the provider in the configuration. Default: `"mock"`. */
  readonly providerId?: string;
  /**
   * The approval policy of the server. Default: `"never"`. The policy `"untrusted"`, which asks for nearly
   * everything, is for threads and turns only: a server configured with it does not start.
   */
  readonly approvalPolicy?: "on-request" | "never";
  /** Default: `"danger-full-access"`, which works on machines that cannot sandbox. */
  readonly sandbox?: "read-only" | "workspace-write" | "danger-full-access";
  /** More environment variables for the server; they win over the ones made here. */
  readonly env?: Readonly<Record<string, string>>;
  /** More configuration, merged into the one made here; it wins. */
  readonly config?: ConfigObject;
}

/** Options for `new Codex()` and `AppServerClient.start()`. */
export interface LoopbackConfig {
  env: Record<string, string>;
  config: ConfigObject;
}

/**
 * Makes the options with which a client runs the real app-server against `model`: the provider's
 * configuration, and a private, empty `CODEX_HOME`, so that no login, no user settings and no network are
 * involved. The directory is made by this call and removed by `model.close()`.
 *
 * ```ts
 * const codex = new Codex(await configFor(model));
 * ```
 *
 * The server starts with retries off, so that failures arrive at once; turn them on with
 * `{ config: { model_providers: { mock: { stream_max_retries: 2 } } } }`.
 *
 * Rejects with a ModelClosedError when the model is closed already.
 */
export async function configFor(
  model: Pick<LoopbackModel, "url" | "onClose">,
  overrides: LoopbackConfigOverrides = {},
): Promise<LoopbackConfig> {
  let home = "";
  model.onClose(() => remove(home));
  home = await realpath(await mkdtemp(path.join(tmpdir(), "codex-loopback-")));
  return {
    env: { ...privateEnv(home), ...overrides.env },
    config: deepMerge(loopbackConfig(model.url, overrides), overrides.config ?? {}),
  };
}

async function remove(home: string): Promise<void> {
  // A server that has just ended may still have files in flight on a slow disk.
  if (home) await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

function privateEnv(home: string): Record<string, string> {
  return {
    CODEX_HOME: home,
    CODEX_SQLITE_HOME: home,
    HOME: home,
    CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG: "1",
    // Empty, not absent: what the process inherits must not reach the server.
    OPENAI_API_KEY: "",
    CODEX_API_KEY: "",
    CODEX_ACCESS_TOKEN: "",
    CODEX_EXEC_SERVER_URL: "",
    // A proxy of the machine must not stand between the server and the loopback.
    NO_PROXY: "127.0.0.1,localhost",
    no_proxy: "127.0.0.1,localhost",
  };
}

function loopbackConfig(url: string, overrides: LoopbackConfigOverrides): ConfigObject {
  const providerId = overrides.providerId ?? "mock";
  return {
    model: overrides.model ?? "mock-model",
    model_provider: providerId,
    approval_policy: overrides.approvalPolicy ?? "never",
    sandbox_mode: overrides.sandbox ?? "danger-full-access",
    model_providers: {
      [providerId]: {
        name: "Loopback model",
        base_url: url,
        wire_api: "responses",
        request_max_retries: 0,
        stream_max_retries: 0,
      },
    },
    features: {
      // Either one looks for the network when the server starts.
      plugins: false,
      apps: false,
      // It runs the user's shell, with the user's start-up files, for each thread.
      shell_snapshot: false,
      // Otherwise a turn whose model is gone waits for it forever.
      unbounded_connection_retries: false,
    },
    analytics: { enabled: false },
  };
}
