import { describe, expect, test } from "@jest/globals";
import path from "node:path";
import { requestPaths } from "../../../generated/paths.js";
import { AppServerClient, type protocol, type Thread } from "../../../lib/index.js";
import { linked, linkedThread, LinkedServer } from "../../support/linked-server.js";

interface Place {
  readonly client: AppServerClient;
  readonly thread: Thread;
}

type Call = (place: Place) => unknown;

const root: protocol.SandboxPolicy = { type: "workspaceWrite", writableRoots: ["/abs", "rel"] };

/** Every call of the library that takes a path, with a relative one; and which option that is. */
const calls: [method: string, option: string, call: Call][] = [
  ["thread/start", "cwd", ({ client }) => client.startThread({ cwd: "rel" })],
  [
    "thread/start",
    "runtimeWorkspaceRoots[0]",
    ({ client }) => client.startThread({ runtimeWorkspaceRoots: ["rel"] }),
  ],
  ["thread/resume", "cwd", ({ client }) => client.resumeThread("t", { cwd: "rel" })],
  ["thread/resume", "path", ({ client }) => client.resumeThread("t", { path: "rel" })],
  ["thread/fork", "cwd", ({ thread }) => thread.fork({ cwd: "rel" })],
  ["thread/fork", "path", ({ client }) => client.forkThread("t", { path: "rel" })],
  ["turn/start", "cwd", ({ thread }) => thread.run("Hi", { cwd: "rel" })],
  ["turn/start", "sandbox.writableRoots[1]", ({ thread }) => thread.run("Hi", { sandbox: root })],
  ["thread/settings/update", "cwd", ({ thread }) => thread.updateSettings({ cwd: "rel" })],
  [
    "thread/settings/update",
    "sandbox.writableRoots[1]",
    ({ thread }) => thread.updateSettings({ sandbox: root }),
  ],
  ["thread/list", "cwd", ({ client }) => client.listThreads({ cwd: "rel" }).all()],
  ["thread/list", "cwd[1]", ({ client }) => client.listThreads({ cwd: ["/abs", "rel"] }).all()],
  ["command/exec", "cwd", ({ client }) => client.exec(["ls"], { cwd: "rel" }).exit],
  [
    "command/exec",
    "sandbox.writableRoots[1]",
    ({ client }) => client.exec(["ls"], { sandbox: root }).exit,
  ],
  ["process/spawn", "cwd", ({ client }) => client.spawn(["ls"], { cwd: "rel" }).exit],
  ["fs/readFile", "path", ({ client }) => client.files.read("rel")],
  ["fs/readFile", "path", ({ client }) => client.files.readText("rel")],
  ["fs/writeFile", "path", ({ client }) => client.files.write("rel", "")],
  ["fs/createDirectory", "path", ({ client }) => client.files.mkdir("rel")],
  ["fs/getMetadata", "path", ({ client }) => client.files.stat("rel")],
  ["fs/readDirectory", "path", ({ client }) => client.files.readDir("rel")],
  ["fs/remove", "path", ({ client }) => client.files.remove("rel")],
  ["fs/copy", "from", ({ client }) => client.files.copy("rel", "/abs")],
  ["fs/copy", "to", ({ client }) => client.files.copy("/abs", "rel")],
  ["fs/watch", "path", ({ client }) => client.watch("rel").ready],
  [
    "fuzzyFileSearch",
    "roots[1]",
    ({ client }) => client.searchFiles("q", { roots: ["/abs", "rel"] }),
  ],
  [
    "fuzzyFileSearch/sessionStart",
    "roots[1]",
    ({ client }) => client.fileSearch({ roots: ["/abs", "rel"] }).ready,
  ],
  ["skills/list", "cwds[0]", ({ client }) => client.skills.list({ cwds: ["rel"] })],
  ["skills/list", "cwds[0]", ({ client }) => client.skills.watch({ cwds: ["rel"] }).next()],
  ["skills/config/write", "path", ({ client }) => client.skills.setEnabled({ path: "rel" }, true)],
  ["skills/extraRoots/set", "extraRoots[0]", ({ client }) => client.skills.setExtraRoots(["rel"])],
  ["hooks/list", "cwds[0]", ({ client }) => client.hooks.list({ cwds: ["rel"] })],
  ["plugin/list", "cwds[0]", ({ client }) => client.plugins.list({ cwds: ["rel"] })],
  ["plugin/installed", "cwds[0]", ({ client }) => client.plugins.installed({ cwds: ["rel"] })],
  ["plugin/search", "cwds[0]", ({ client }) => client.plugins.search("q", { cwds: ["rel"] }).all()],
  [
    "plugin/read",
    "marketplacePath",
    ({ client }) => client.plugins.read({ pluginName: "p", marketplacePath: "rel" }),
  ],
  [
    "plugin/install",
    "marketplacePath",
    ({ client }) => client.plugins.install({ pluginName: "p", marketplacePath: "rel" }),
  ],
  ["marketplace/add", "source", ({ client }) => client.plugins.marketplaces.add("./rel")],
  [
    "permissionProfile/list",
    "cwd",
    ({ client }) => client.permissionProfiles({ cwd: "rel" }).all(),
  ],
  ["config/read", "cwd", ({ client }) => client.config.read({ cwd: "rel" })],
  [
    "modelProvider/config/write",
    "settings.credentialFile",
    ({ client }) =>
      client.modelProviders.configure({
        type: "gcp",
        providerId: "g" as never,
        credentialFile: "rel",
      }),
  ],
  [
    "config/batchWrite",
    "filePath",
    ({ client }) => client.config.write("model", "m", { filePath: "rel" }),
  ],
];

/** What was sent of a method, as one text. */
function sent(server: LinkedServer, method: string): string {
  return JSON.stringify(server.paramsOf(method));
}

describe("a server that shares the files of this process", () => {
  test.each(calls)(
    "%s: a relative %s starts at the working directory of this process",
    async (method, _option, call) => {
      await using pair = await linkedThread({ sharesFiles: true });
      const { server } = pair;
      const asked = server.nextRequest(method);
      // The first start of a thread came before.
      if (method === "thread/start") await asked;
      const again = method === "thread/start" ? server.nextRequest(method) : asked;
      void Promise.resolve(call(pair)).catch(() => undefined);
      const { params } = await again;
      expect(JSON.stringify(params)).toContain(JSON.stringify(path.resolve("rel")));
      expect(JSON.stringify(params)).not.toMatch(/"(\.\/)?rel"/);
    },
  );
});

describe("a server that does not share them", () => {
  test.each(calls)(
    "%s: a relative %s is refused, and nothing is sent",
    async (method, argument, call) => {
      await using pair = await linkedThread();
      const { server } = pair;
      const before = sent(server, method);
      const error: unknown = await Promise.resolve(call(pair)).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
      expect(sent(server, method)).toBe(before);
    },
  );
});

test("every request that the library sends a caller's path in is among them", () => {
  const covered = new Set(calls.map(([method]) => method));
  expect(Object.keys(requestPaths).filter((method) => !covered.has(method))).toEqual([
    // The library has no call of its own for these; `rpc` sends them as they are.
    "account/gcp/setup",
    "config/value/write",
    "externalAgentConfig/detect",
    "externalAgentConfig/import",
    "externalAgentConfig/import/recordHistory",
    "feedback/save",
    "feedback/upload",
    "getConversationSummary",
    "gitDiffToRemote",
    "plugin/share/save",
    "project/create",
    "project/import",
    "project/update",
    "thread/prepareApprovedPlan",
    "windowsSandbox/setupStart",
  ]);
});

describe("what is sent as it is", () => {
  test("everything of request() and rpc", async () => {
    await using pair = await linkedThread();
    const { client, server } = pair;
    await client.request("thread/start", { cwd: "rel" });
    await client.rpc.thread.start({ cwd: "rel" });
    await client.rpc.fs.readFile({ path: "rel" });
    expect(server.paramsOf("thread/start").slice(1)).toEqual([{ cwd: "rel" }, { cwd: "rel" }]);
    expect(server.paramsOf("fs/readFile")).toEqual([{ path: "rel" }]);
  });

  test("the directory of a search that names none, which is the server's own", async () => {
    await using pair = await linkedThread();
    const { client, server } = pair;
    server.handle("fuzzyFileSearch", () => ({ files: [] }));
    await client.searchFiles("q");
    expect(server.paramsOf("fuzzyFileSearch")).toMatchObject([{ roots: ["."] }]);
  });

  test.each(["owner/repo", "https://example.com/a.git", "/abs/dir", "~/dir"])(
    "a marketplace from %s",
    async (source) => {
      await using pair = await linkedThread();
      await pair.client.plugins.marketplaces.add(source);
      expect(pair.server.paramsOf("marketplace/add")).toEqual([{ source }]);
    },
  );
});

describe("a command in a directory", () => {
  test("may write there under workspace-write", async () => {
    await using pair = await linkedThread({ sharesFiles: true });
    void pair.client.exec(["ls"], { cwd: "rel", sandbox: "workspace-write" });
    const { params } = await pair.server.nextRequest("command/exec");
    expect(params).toMatchObject({
      cwd: path.resolve("rel"),
      sandboxPolicy: { type: "workspaceWrite", writableRoots: [path.resolve("rel")] },
    });
  });

  test("that is refused is not written to either", async () => {
    await using pair = await linkedThread();
    const { client, server } = pair;
    const before = server.requests.length;
    const command = client.exec(["cat"], { cwd: "rel", stdin: "text" });
    await expect(command.exit).rejects.toMatchObject({ argument: "cwd" });
    expect(server.requests).toHaveLength(before);
  });
});

test("a thread in use is not let go of for a resume that cannot be", async () => {
  await using pair = await linkedThread();
  const { client, server, thread } = pair;
  const before = server.requests.length;
  await expect(client.resumeThread(thread.id, { cwd: "rel" })).rejects.toMatchObject({
    argument: "cwd",
  });
  expect(server.requests).toHaveLength(before);
});

test("what is absolute, the server's system says", async () => {
  const unix = await linked();
  await expect(unix.client.files.stat("C:\\dir")).rejects.toMatchObject({ argument: "path" });
  await unix.client.close();

  const server = new LinkedServer();
  server.handle("initialize", () => ({ userAgent: "x/0.169.0", platformFamily: "windows" }));
  const client = await AppServerClient.attach(server.transport);
  await client.files.stat("C:\\dir");
  await expect(client.files.stat("/dir")).rejects.toMatchObject({ argument: "path" });
  expect(server.paramsOf("fs/getMetadata")).toEqual([{ path: "C:\\dir" }]);
  await client.close();
});

test.each([1, "yes"])("sharesFiles must be true or false, not %j", async (value) => {
  await expect(linked({ sharesFiles: value as never })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "sharesFiles",
    message: "sharesFiles must be true or false",
  });
});
