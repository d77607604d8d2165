import type { HookMetadata, HooksListEntry } from "../../../generated/types.js";
import { toKeyPath } from "../configuration/key-path.js";
import type { ParamsOf } from "../../protocol.js";
import { checkParams, Resource } from "../resource.js";

/** The directories, or the thread, to list hooks for, as in `hooks/list`. */
export type ListHooksOptions = ParamsOf<"hooks/list">;

/** Hooks: commands, prompts and tools that the server runs around turns and tool calls. */
export class Hooks extends Resource {
  /**
   * Lists the hooks of each directory, or of a thread, which is loaded first (`hooks/list`). A hook runs
   * when it is `enabled` and its `trustStatus` is `"trusted"` or `"managed"`.
   */
  async list(options: ListHooksOptions = {}): Promise<HooksListEntry[]> {
    checkParams("hooks.list()", "hooks/list", options);
    return (await this.callLoaded("hooks/list", options)).data;
  }

  /**
   * Trusts a hook in its current form, so that it runs; a later change of its definition ends the trust.
   * Look at what it runs before you do: nobody is asked again. Written to the user's configuration
   * (`config/batchWrite`); loaded threads follow at once.
   */
  async trust(hook: Pick<HookMetadata, "key" | "currentHash">): Promise<void> {
    await this.#write(hook.key, "trusted_hash", hook.currentHash);
  }

  /** Withdraws the trust in a hook (`config/batchWrite`). */
  async untrust(hook: Pick<HookMetadata, "key">): Promise<void> {
    await this.#write(hook.key, "trusted_hash", null);
  }

  /** Switches a hook on or off, whether or not it is trusted (`config/batchWrite`). */
  async setEnabled(hook: Pick<HookMetadata, "key">, enabled: boolean): Promise<void> {
    await this.#write(hook.key, "enabled", enabled);
  }

  async #write(key: string, field: string, value: string | boolean | null): Promise<void> {
    const keyPath = toKeyPath(["hooks", "state", key, field]);
    await this.call("config/batchWrite", {
      edits: [{ keyPath, value, mergeStrategy: "replace" }],
      reloadUserConfig: true,
    });
  }
}
