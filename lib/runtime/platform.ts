/** A machine that runtimes are released for. */
export interface RuntimeTarget {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** Name of the directory inside the platform package, e.g. `"x86_64-unknown-linux-musl"`. */
  readonly triple: string;
  /** Name that `@openai/codex` gives the platform package, e.g. `"@openai/codex-linux-x64"`. */
  readonly packageName: string;
}

/** Every machine that runtimes are released for. */
export const runtimeTargets: readonly RuntimeTarget[] = [
  target("linux", "x64", "x86_64-unknown-linux-musl"),
  target("linux", "arm64", "aarch64-unknown-linux-musl"),
  target("darwin", "x64", "x86_64-apple-darwin"),
  target("darwin", "arm64", "aarch64-apple-darwin"),
  target("win32", "x64", "x86_64-pc-windows-msvc"),
  target("win32", "arm64", "aarch64-pc-windows-msvc"),
];

/** The release for this machine, or `undefined` when there is none. */
export function runtimeTarget(platform: NodeJS.Platform, arch: string): RuntimeTarget | undefined {
  // The Linux releases are statically linked, so they run on Android's kernel too.
  const system = platform === "android" ? "linux" : platform;
  return runtimeTargets.find((each) => each.platform === system && each.arch === arch);
}

function target(platform: NodeJS.Platform, arch: string, triple: string): RuntimeTarget {
  return { platform, arch, triple, packageName: `@openai/codex-${platform}-${arch}` };
}
