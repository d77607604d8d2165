import { expect, test } from "@jest/globals";
import { linkedThread } from "../../support/linked-server.js";

const policy = { type: "externalSandbox", networkAccess: "enabled" } as const;

test.each([
  ["read-only", { type: "readOnly", networkAccess: false }],
  [
    "workspace-write",
    {
      type: "workspaceWrite",
      writableRoots: [],
      networkAccess: false,
      excludeTmpdirEnvVar: false,
      excludeSlashTmp: false,
    },
  ],
  ["danger-full-access", { type: "dangerFullAccess" }],
  [policy, policy],
  [null, null],
] as const)("a turn's sandbox %j is sent as a policy", async (sandbox, sandboxPolicy) => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  await thread.turn("Hi", { sandbox }).started;
  const [params] = server.paramsOf("turn/start");
  expect(params).toMatchObject({ sandboxPolicy });
  expect(params).not.toHaveProperty("sandbox");
});

test("a thread's sandbox is sent by its name", async () => {
  await using pair = await linkedThread();
  const { client, server } = pair;
  await client.startThread({ sandbox: "workspace-write" });
  expect(server.paramsOf("thread/start").at(-1)).toEqual({ sandbox: "workspace-write" });
});

test("a sandbox of another name is refused at once", async () => {
  await using pair = await linkedThread();
  const options = { sandbox: "readOnly" } as object;
  expect(() => pair.thread.turn("Hi", options)).toThrow(
    'sandbox must be "read-only", "workspace-write", "danger-full-access" or a sandbox policy',
  );
});
