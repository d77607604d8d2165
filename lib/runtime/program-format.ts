import { open } from "node:fs/promises";

const elfMachines: Readonly<Record<number, string>> = {
  3: "ia32",
  40: "arm",
  62: "x64",
  183: "arm64",
};
// Little- and big-endian, 32 and 64 bits, and the two kinds of universal file.
const machMagics = ["cffaedfe", "cefaedfe", "feedfacf", "feedface", "cafebabe", "cafebabf"];

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
  const machine = `${platform}/${arch}`;
  const format = formatOf(head);
  switch (platform) {
    case "linux":
    case "android":
      if (format === "script") return undefined;
      if (format !== "elf") break;
      // Other architectures are not refused where the system may translate: macOS and Windows do.
      return elfMachine(head) === arch
        ? undefined
        : `it is built for ${elfMachine(head)}, and this machine is ${machine}.`;
    case "darwin":
      if (format === "script" || format === "mach-o") return undefined;
      break;
    case "win32":
      if (format === "pe") return undefined;
      break;
    default:
      return undefined;
  }
  return `it is not a program for this machine, which is ${machine}.`;
}

/** The first bytes, or `undefined` when the file cannot be read; starting it will tell why. */
async function readHead(file: string): Promise<Buffer | undefined> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(20), 0, 20, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

function formatOf(head: Buffer): "elf" | "mach-o" | "pe" | "script" | "unknown" {
  const magic = head.toString("hex", 0, 4);
  if (magic === "7f454c46") return "elf";
  if (machMagics.includes(magic)) return "mach-o";
  if (magic.startsWith("4d5a")) return "pe";
  return magic.startsWith("2321") ? "script" : "unknown";
}

function elfMachine(head: Buffer): string {
  if (head.length < 20) return "another architecture";
  const code = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
  return elfMachines[code] ?? "another architecture";
}
