import { open } from "node:fs/promises";

const elfOrScript = /^(?:7f454c46|2321)/;
/** How programs begin where there are releases, in hexadecimal digits. */
const beginnings: Readonly<Partial<Record<NodeJS.Platform, RegExp>>> = {
  linux: elfOrScript,
  android: elfOrScript,
  // Little- and big-endian, 32 and 64 bits, and the two kinds of universal file.
  darwin: /^(?:c[ef]faedfe|feedfac[ef]|cafebab[ef]|2321)/,
  win32: /^4d5a/,
};
const elfMachines: Readonly<Record<string, number>> = { ia32: 3, arm: 40, x64: 62, arm64: 183 };

/**
 * Why this machine cannot run `file`, or `undefined` when it may try. Asked before the start,
 * because Linux and macOS hand a file that is no program of theirs to `/bin/sh`, which would run
 * the bytes of a foreign binary as commands and end with an unrelated message.
 */
export async function programProblem(
  file: string,
  platform: NodeJS.Platform,
  arch: string,
): Promise<string | undefined> {
  const head = await readHead(file);
  if (head === undefined) return undefined;
  if (head.length === 0) return "it is an empty file.";
  const begins = beginnings[platform];
  if (!begins) return undefined;
  const digits = head.toString("hex");
  if (!begins.test(digits)) {
    return `it is not a program for this machine, which is ${platform}/${arch}.`;
  }
  // Other architectures are not refused where the system may translate: macOS and Windows do.
  const own = elfMachines[arch];
  if (!digits.startsWith("7f45") || own === undefined || head[18] === own) return undefined;
  const builtFor = Object.keys(elfMachines).find((name) => elfMachines[name] === head[18]);
  return `it is built for ${builtFor ?? "another architecture"}, and this machine is ${platform}/${arch}.`;
}

/** The first bytes, or `undefined` when the file cannot be read; starting it will tell why. */
async function readHead(file: string): Promise<Buffer | undefined> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(20), 0, 20, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  }
}
