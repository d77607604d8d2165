import { isBareKey, tableEntries, tomlLiteral, TomlPlace } from "./toml.js";

/** A value of the server's configuration: any value of TOML, except dates. */
export type ConfigValue =
  string | number | bigint | boolean | readonly ConfigValue[] | ConfigObject;

/** A table of the server's configuration. Keys that are `undefined` count as left out. */
export interface ConfigObject {
  readonly [key: string]: ConfigValue | undefined;
}

/**
 * The command-line arguments that give the server a configuration: `{ a: { b: 1 } }` becomes
 * `["-c", "a.b=1"]`.
 *
 * Arguments are visible to every user of the machine, so a secret belongs into an environment
 * variable that the configuration names (such as `env_key` of a model provider), not in here.
 *
 * @throws InvalidArgumentError naming the place, e.g. `config.model_providers.mock.base_url`, never
 * the value: for `null`, a number that is not finite, a date or other class instance, a function, a
 * cycle, more than 64 levels, or a top-level key that is not made of letters, digits, `_` and `-`.
 */
export function configArgs(config: ConfigObject): string[] {
  return tableEntries(config, new TomlPlace("config")).flatMap(({ key, value, place }) => {
    if (!isBareKey(key) || key.startsWith("-")) {
      place.refuse(
        'cannot be a key: at the top level only letters, digits, "_" and "-" are possible.',
      );
    }
    return assignments(key, value, place).flatMap((assignment) => ["-c", assignment]);
  });
}

/**
 * A table becomes one assignment for each of its leaves, as long as its keys are bare. The server
 * splits a key at every dot and does not understand quotes there, so a table with any other key is
 * written as a whole; the server merges it with what it knows just the same. One argument for all of a
 * table could become longer than a system takes: Linux takes less than 128 KiB.
 */
function assignments(key: string, value: unknown, place: TomlPlace): string[] {
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value);
  const entries = isTable ? tableEntries(value, place) : [];
  if (entries.length === 0 || !entries.every((entry) => isBareKey(entry.key))) {
    return [`${key}=${tomlLiteral(value, place)}`];
  }
  return entries.flatMap((entry) => assignments(`${key}.${entry.key}`, entry.value, entry.place));
}
