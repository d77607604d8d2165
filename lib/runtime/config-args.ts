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
 * `["-c", "a={b=1}"]`. The server merges tables with what it knows.
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
    return ["-c", `${key}=${tomlLiteral(value, place)}`];
  });
}
