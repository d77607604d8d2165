import type { Codex } from "../index.js";

/** What the server's configuration says of the things that are checked. */
export interface Settings {
  /** The id of the model provider. */
  readonly provider: string;
  /** Where the provider is reached; undefined when that is built into the server. */
  readonly baseUrl: string | undefined;
  /** The environment variable from which the provider's key is read. */
  readonly keyVariable: string | undefined;
  /** Undefined when it is left to the server. */
  readonly sandbox: string | undefined;
}

/** Reads them as the server has them (`config/read`), whichever file or default they come from. */
export async function readSettings(codex: Codex): Promise<Settings> {
  const { config } = await codex.config.read();
  const provider = textOf(config.model_provider) ?? "openai";
  const own = fieldsOf(fieldsOf(config["model_providers"])[provider]);
  return {
    provider,
    baseUrl: textOf(own["base_url"]),
    keyVariable: textOf(own["env_key"]),
    sandbox: textOf(config.sandbox_mode),
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
