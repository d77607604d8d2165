import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { chmod, chown, mkdir, mkdtemp, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CodexPool } from "../../lib/fleet/index.js";
import type { Codex, CommandResult } from "../../lib/index.js";
import { configArgs } from "../../lib/runtime/config-args.js";
import { resolveLaunch } from "../../lib/runtime/launch.js";
import { RealStage } from "../support/real.js";

// Only root can give each tenant a user of its own; anybody can start servers by a command line of their own.
const isRoot = process.getuid?.() === 0;
const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
/** Users that need not have a name. */
const users: Readonly<Record<string, { uid: number; gid: number }>> = isRoot
  ? { a: { uid: 61_001, gid: 61_001 }, b: { uid: 61_002, gid: 61_002 } }
  : { a: own, b: own };

let stage: RealStage;
let homes: string;
let pool: CodexPool;

beforeEach(async () => {
  stage = await RealStage.open();
  homes = await realpath(await mkdtemp(path.join(tmpdir(), "pool-users-")));
  // Others may go through it, and see nothing.
  await chmod(homes, 0o711);
});
afterEach(async () => {
  await pool.close();
  await stage.close();
  await rm(homes, { recursive: true, force: true, maxRetries: 5 });
});

/** Starts the server of each tenant as the user that is given. */
function poolOf(userOf: (key: string) => { uid: number; gid: number }): CodexPool {
  return new CodexPool({
    maxServers: 2,
    optionsFor: async (key) => {
      const { uid, gid } = userOf(key);
      const home = path.join(homes, key);
      await mkdir(home, { mode: 0o700 });
      await chown(home, uid, gid);
      const { env = {}, config = {}, ...rest } = stage.options();
      const { command } = await resolveLaunch();
      const become = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
      return {
        ...rest,
        cwd: home,
        env: { ...env, HOME: home, CODEX_HOME: home, CODEX_SQLITE_HOME: home, TENANT: `of-${key}` },
        launch: {
          command: "setpriv",
          args: [
            ...(isRoot ? become : []),
            "--no-new-privs",
            command,
            "app-server",
            ...configArgs(config),
          ],
        },
      };
    },
  });
}

async function prepare(): Promise<[a: Codex, b: Codex]> {
  const [a, b] = await Promise.all([pool.get("a"), pool.get("b")]);
  await a.login.apiKey("sk-of-tenant-a");
  await b.login.apiKey("sk-of-tenant-b");
  return [a, b];
}

function cat(codex: Codex, file: string): Promise<CommandResult> {
  return codex.exec(["cat", file]).exit;
}

test("a tenant with a user of its own works, and reads no other tenant's files", async () => {
  pool = poolOf((key) => users[key] ?? own);
  const [a, b] = await prepare();
  const thread = await a.startThread();
  expect(await thread.run("Hello")).toMatchObject({ status: "completed" });
  expect((await a.exec(["id", "-u"]).exit).stdout.trim()).toBe(String(users.a?.uid));
  for (const key of ["a", "b"]) {
    const { uid, mode } = await stat(path.join(homes, key, "auth.json"));
    expect([uid, mode & 0o777]).toEqual([users[key]?.uid, 0o600]);
  }
  const secret = path.join(homes, "a", "auth.json");
  expect((await cat(a, secret)).stdout).toContain("sk-of-tenant-a");
  const foreign = await cat(b, secret);
  if (isRoot) {
    expect(foreign).toMatchObject({ exitCode: 1, stdout: "" });
    expect(foreign.stderr).toContain("Permission denied");
    await expect(b.files.read(secret)).rejects.toMatchObject({ code: "FILE_SYSTEM_ERROR" });
  } else {
    expect(foreign.stdout).toContain("sk-of-tenant-a");
  }
});

test("tenants that share a user can read each other's files and the environment of each other's server", async () => {
  const shared = users.a ?? own;
  pool = poolOf(() => shared);
  const [, b] = await prepare();
  const secret = path.join(homes, "a", "auth.json");
  expect((await cat(b, secret)).stdout).toContain("sk-of-tenant-a");
  // A sandbox keeps commands from writing, and lets them read.
  const { stdout } = await b.exec(["cat", secret], { sandbox: "read-only" }).exit;
  expect(stdout).toContain("sk-of-tenant-a");

  const rows = await b.exec(["ps", "-eo", "pid=,ppid=,args="]).exit;
  const servers = [...rows.stdout.matchAll(/^ *(\d+) +(\d+) .*app-server/gm)];
  const ours = servers.filter(([, , parent]) => Number(parent) === process.pid);
  expect(ours).toHaveLength(2);
  const environments = await Promise.all(
    ours.map(async ([, pid]) => (await cat(b, `/proc/${pid}/environ`)).stdout),
  );
  expect(environments.filter((text) => text.includes("TENANT=of-a"))).toHaveLength(1);
});
