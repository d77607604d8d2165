import type { ConfigObject, ConfigValue } from "../runtime/config-args.js";

/** A new object: `over` on `base`. Tables are merged; any other value replaces; `undefined` changes nothing. */
export function deepMerge(base: ConfigObject, over: ConfigObject): ConfigObject {
  const merged: Record<string, ConfigValue | undefined> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const old = merged[key];
    merged[key] = isTable(old) && isTable(value) ? deepMerge(old, value) : value;
  }
  return merged;
}

function isTable(value: ConfigValue | undefined): value is ConfigObject {
  return typeof value === "object" && !Array.isArray(value);
}
