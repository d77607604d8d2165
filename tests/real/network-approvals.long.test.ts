import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  approve,
  type Codex,
  type CommandApproval,
  type CommandDecision,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { startChatServer, untilPart } from "../support/chat-server.js";
import { managedCodex } from "../support/managed-codex.js";
import { RealStage } from "../support/real.js";

// Without such requirements the server blocks what is not allowed, and asks nobody.
const managed = await managedCodex(`
[experimental_network]
enabled = true
allow_local_binding = true

[experimental_network.domains]
"allowed.example" = "allow"
`);
const only = managed ? test : test.skip;
const why = managed ? "" : " [not offered: an administrator's requirements]";

const host = "127.0.0.1";
/** The paths of the pages that were fetched. */
const fetched: string[] = [];
let web: Server;

beforeAll(async () => {
  web = createServer(({ url }, response) => {
    fetched.push(url ?? "");
    response.end("A page");
  });
  await once(web.listen(0, host), "listening");
});
afterAll(async () => {
  web.close();
  await managed?.[Symbol.asyncDispose]();
});

/** A command that fetches a page through the proxy of the sandbox. */
function fetching(page: string) {
  const { port } = web.address() as AddressInfo;
  const script = `const { hostname, port } = new URL(process.env.HTTP_PROXY);
    const path = "http://${host}:${port}${page}";
    require("http").get({ hostname, port, path, headers: { host: "${host}:${port}" } });`;
  return reply.shell(`${process.execPath} -e '${script}'`);
}

/** Runs a turn on a new thread that fetches these pages; tells which were fetched. */
async function fetchAll(stage: RealStage, codex: Codex, ...pages: string[]): Promise<string[]> {
  const thread = await codex.startThread({
    approvalPolicy: "on-request",
    sandbox: "workspace-write",
  });
  stage.model.enqueueFor(thread.id, ...pages.map(fetching), reply.text("Done."));
  fetched.length = 0;
  expect(await thread.run("Fetch them")).toMatchObject({ status: "completed" });
  return [...fetched];
}

describe("a command that reaches out to a host", () => {
  only.each<[string, CommandDecision, { asked: number; reached: string[]; later: string[] }]>([
    ["allowed once", "accept", { asked: 3, reached: ["/1", "/2"], later: ["/3"] }],
    ["declined", "decline", { asked: 3, reached: [], later: [] }],
    [
      "allowed for good",
      approve.network({ host, action: "allow" }),
      { asked: 1, reached: ["/1", "/2"], later: ["/3"] },
    ],
    [
      "denied for good",
      approve.network({ host, action: "deny" }),
      { asked: 1, reached: [], later: [] },
    ],
  ])(`is asked about, and %s${why}`, async (_, decision, { asked, reached, later }) => {
    const network_proxy = { enabled: true };
    await using stage = await RealStage.open({ config: { features: { network_proxy } } });
    const seen: CommandApproval[] = [];
    const codex = stage.codex({
      codexPath: managed?.command,
      onApproval: { command: (request) => (seen.push(request), decision) },
    });
    expect(await fetchAll(stage, codex, "/1", "/2")).toEqual(reached);
    expect(await fetchAll(stage, codex, "/3")).toEqual(later);
    expect(seen[0]).toMatchObject({
      type: "command",
      networkApprovalContext: { host, protocol: "http" },
      proposedNetworkPolicyAmendments: [
        { host, action: "allow" },
        { host, action: "deny" },
      ],
    });
    expect(seen[0]).not.toHaveProperty("command");
    expect(seen).toHaveLength(asked);
  });

  only.each([
    ["allows it", "accept", ["/web"]],
    ["declines it", "decline", []],
    ["leaves it alone", undefined, []],
  ] as const)(`is asked about in a browser, which %s${why}`, async (_, decision, reached) => {
    const network_proxy = { enabled: true };
    await using stage = await RealStage.open({ config: { features: { network_proxy } } });
    const codex = stage.codex({ codexPath: managed?.command });
    const chat = await startChatServer({
      codex,
      newThread: { approvalPolicy: "on-request", sandbox: "workspace-write" },
      ...(decision ? {} : { answerWithinMs: 50 }),
    });
    const [ada, eve] = [chat.as("ada"), chat.as("eve")];
    const { threadId } = await ada.post<{ threadId: string }>("/threads", {});
    stage.model.enqueueFor(threadId, fetching("/web"), reply.text("Done."));
    fetched.length = 0;
    const turns = `/threads/${threadId}/turns`;
    const { turnId } = await ada.post<{ turnId: string }>(turns, { input: "Fetch it" });
    const reading = ada.read(turnId);
    const { key, request } = await untilPart(reading, "request");
    expect(request).toMatchObject({ kind: "command", command: null, host });
    const answers = `/turns/${turnId}/answers`;
    const stranger = eve.post(answers, { key, decision: "accept" });
    await expect(stranger).rejects.toMatchObject({ problem: { status: 404 } });
    if (decision) await ada.post(answers, { key, decision });
    expect(await untilPart(reading, "end")).toMatchObject({ status: "completed" });
    const late = ada.post(answers, { key, decision: "accept" });
    await expect(late).rejects.toMatchObject({ problem: { status: 409 } });
    expect(fetched).toEqual(reached);
    await chat.close();
  });
});
