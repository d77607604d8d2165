import type {
  ConfigReadResponse,
  ConfigRequirements,
  ConfigWriteResponse,
  JsonValue,
  MergeStrategy,
} from "../../../generated/types.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { ParamsOf } from "../../protocol.js";
import { toKeyPath, type KeyPath } from "./key-path.js";
import { checkParams, Resource } from "../resource.js";

/**
 * The configuration to read, as in `config/read`. `cwd`: includes the project configuration of that
 * directory.
 */
export type ReadConfigOptions = ParamsOf<"config/read">;

/** One change of the configuration. */
export interface ConfigChange {
  readonly keyPath: KeyPath;
  /** The new value; `null` removes the setting. */
  readonly value: JsonValue;
  /** `"replace"` (the default) or `"upsert"`, which keeps the other keys of a table. */
  readonly mergeStrategy?: MergeStrategy | undefined;
}

/**
 * How to write, as in `config/batchWrite`. `expectedVersion`: write only if the file still has this
 * version. `reloadUserConfig`: also apply the change to loaded threads (default false).
 */
export type WriteConfigOptions = Omit<ParamsOf<"config/batchWrite">, "edits">;

/** The server's configuration: the effective one, and the user's file. */
export class ConfigStore extends Resource {
  /** Reads the effective configuration, and the source of each setting (`config/read`). */
  async read(options: ReadConfigOptions = {}): Promise<ConfigReadResponse> {
    checkParams("config.read()", "config/read", options);
    return this.call("config/read", options);
  }

  /**
   * Reads the version of the user's file, for `expectedVersion` (`config/read`); `null` when the server
   * has no such file. Read it before the values that your change depends on.
   */
  async version(): Promise<string | null> {
    const { layers } = await this.read({ includeLayers: true });
    return layers?.find(({ name }) => name.type === "user")?.version ?? null;
  }

  /**
   * Writes one setting to the user's file (`config/batchWrite`); `null` removes it. The server also writes
   * settings that it does not know. Loaded threads keep their settings unless you ask for
   * `reloadUserConfig`; `codex.mcp.reload()` applies changes of MCP servers.
   *
   * The result's status is `"okOverridden"` when another source, such as a setting given to the client,
   * hides the written value; `overriddenMetadata` names it.
   *
   * @throws ConfigWriteError when nothing was written: the file has changed since `expectedVersion`, or
   * the configuration would not be valid.
   */
  async write(
    keyPath: KeyPath,
    value: JsonValue,
    options: WriteConfigOptions & Pick<ConfigChange, "mergeStrategy"> = {},
  ): Promise<ConfigWriteResponse> {
    checkParams("config.write()", "config/batchWrite", options, { mergeStrategy: true });
    const { mergeStrategy, ...rest } = options;
    const edits = [toEdit({ keyPath, value, mergeStrategy }, "")];
    return this.call("config/batchWrite", { ...rest, edits });
  }

  /**
   * Writes several settings at once, or none of them (`config/batchWrite`).
   *
   * @throws what `write` throws.
   */
  async batchWrite(
    changes: readonly ConfigChange[],
    options: WriteConfigOptions = {},
  ): Promise<ConfigWriteResponse> {
    checkParams("config.batchWrite()", "config/batchWrite", options);
    const edits = changes.map((change, index) => toEdit(change, `changes[${index}].`));
    return this.call("config/batchWrite", { ...options, edits });
  }

  /** Applies the user's file, as it is now, to loaded threads (`config/batchWrite`). */
  async reload(): Promise<void> {
    await this.call("config/batchWrite", { edits: [], reloadUserConfig: true });
  }

  /**
   * Reads an administrator's requirements for the configuration, or `null` (`configRequirements/read`).
   */
  async requirements(): Promise<ConfigRequirements | null> {
    return (await this.call("configRequirements/read", undefined)).requirements;
  }
}

function toEdit({ keyPath, value, mergeStrategy }: ConfigChange, where: string) {
  // It would not be sent at all, and the server would miss it.
  if ((value as JsonValue | undefined) === undefined) {
    throw new InvalidArgumentError(`${where}value`, "must not be undefined; null removes the key");
  }
  return {
    keyPath: toKeyPath(keyPath, `${where}keyPath`),
    value,
    mergeStrategy: mergeStrategy ?? "replace",
  };
}
