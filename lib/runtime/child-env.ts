/**
 * `parent` with `changes` applied: a string sets a variable, `undefined` removes it. Windows does
 * not distinguish `Path` from `PATH`, so there a change replaces every spelling of its name.
 */
export function mergeEnvironment(
  parent: NodeJS.ProcessEnv,
  changes: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): Record<string, string> {
  const merged = new Map<string, [name: string, value: string]>();
  for (const [name, value] of [...Object.entries(parent), ...Object.entries(changes)]) {
    const key = environmentKey(name, platform);
    if (value === undefined) merged.delete(key);
    else merged.set(key, [name, value]);
  }
  return Object.fromEntries(merged.values());
}

/** `env` with `directory` first on its PATH. */
export function prependToPath(
  env: Readonly<Record<string, string>>,
  directory: string,
  platform: NodeJS.Platform,
): Record<string, string> {
  const separator = platform === "win32" ? ";" : ":";
  const wanted = environmentKey("PATH", platform);
  const name = Object.keys(env).find((each) => environmentKey(each, platform) === wanted) ?? "PATH";
  const rest = (env[name] ?? "").split(separator).filter((each) => each !== directory);
  const entries = rest.join(separator) === "" ? [directory] : [directory, ...rest];
  return { ...env, [name]: entries.join(separator) };
}

/** The value of a variable, in whatever spelling Windows knows it. */
export function environmentVariable(
  env: NodeJS.ProcessEnv,
  name: string,
  platform: NodeJS.Platform,
): string | undefined {
  const key = environmentKey(name, platform);
  return Object.entries(env).find(([each]) => environmentKey(each, platform) === key)?.[1];
}

function environmentKey(name: string, platform: NodeJS.Platform): string {
  return platform === "win32" ? name.toUpperCase() : name;
}
