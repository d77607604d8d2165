import type { LaunchOptions } from "../runtime/launch-options.js";
import { askedIn, type AskedSettings } from "../session/sandbox/hold-to-settings.js";

/** The settings of new threads in the configuration that a server is started with. */
export function configuredIn({ config = {}, configOverrides = [] }: LaunchOptions): AskedSettings {
  const overrides = configOverrides.flatMap((override) => {
    const [, key, value] = assignment.exec(override) ?? [];
    return key === undefined ? [] : [[key, value] as const];
  });
  return askedIn({ config: { ...config, ...Object.fromEntries(overrides) } }, {});
}

/** A key and a word, in quotes or not: these settings are never more than that. */
const assignment = /^\s*(\w+)\s*=\s*["']?([\w:-]+)["']?\s*$/;
