import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { says, serverSentences, type SentenceName } from "../../lib/errors/server-sentences.js";
import { notSaidBy } from "../support/sentences/tried-releases.js";
import { HeardServer } from "../support/heard-server.js";
import { runtimeVersion } from "../support/offers.js";
import { RealStage } from "../support/real.js";
import { claimBrowserLogins, LoginServer } from "../support/login-server.js";
import { ofLogins } from "../support/sentences/of-logins.js";
import { canMakeNamespaces, inNamespaces, ofLinux } from "../support/sentences/of-machine.js";
import { ofRequests } from "../support/sentences/of-requests.js";
import type { Alone, Saying } from "../support/sentences/saying.js";
import { canBeManaged, ofManaged, ofThreads } from "../support/sentences/of-threads.js";

const version = await runtimeVersion();
const isLinux = process.platform === "linux";
const isManaged = await canBeManaged();
const hasNamespaces = isLinux && (await tryNamespaces());

async function tryNamespaces(): Promise<boolean> {
  await using stage = await RealStage.open();
  return await canMakeNamespaces(stage);
}

/** Whether the server under test says it; a release that nobody has tried has to. */
function isSaid(name: SentenceName): boolean {
  return !notSaidBy[name]?.some((release) => release === version);
}

async function check(name: SentenceName, { text, decides }: Saying): Promise<void> {
  expect({ text, isSaid: says(text, name) }).toEqual({ text, isSaid: isSaid(name) });
  if (isSaid(name)) await decides();
}

type Scenarios<T> = Partial<Record<SentenceName, T>>;

/** A test for each sentence, which is skipped with a reason where this machine cannot try it. */
function each<T>(scenarios: Scenarios<T>, run: (scenario: T) => Promise<Saying>, lack = ""): void {
  for (const [name, scenario] of Object.entries(scenarios) as [SentenceName, T][]) {
    const body = async (): Promise<void> => check(name, await run(scenario));
    if (lack === "") test(name, body, 180_000);
    else test.skip(`${name} [not offered: ${lack}]`, body);
  }
}

/** Each of these on a stage of its own. */
async function alone(scenario: Alone): Promise<Saying> {
  await using stage = await RealStage.open();
  return await scenario(stage);
}

test("the server is made to say each sentence of the table", () => {
  const scenarios = [ofRequests, ofThreads, ofManaged, ofLinux, inNamespaces, ofLogins];
  const names = scenarios.flatMap((some) => Object.keys(some));
  expect(names.sort()).toEqual(Object.keys(serverSentences).sort());
});

describe("a plain request is refused:", () => {
  let stage: RealStage;
  let server: HeardServer;
  beforeAll(async () => {
    stage = await RealStage.open({ config: { thread_unload_delay_secs: 0 } });
    server = await HeardServer.start(stage);
  });
  afterAll(async () => {
    await server.close();
    await stage.close();
  });
  each(ofRequests, (scenario) => scenario(server, stage));
});

describe("of threads and turns:", () => {
  each(ofThreads, alone);
});

describe("of what an administrator requires:", () => {
  each(ofManaged, alone, isManaged ? "" : "an administrator's requirements");
});

describe("of the machine:", () => {
  each(ofLinux, alone, isLinux ? "" : "Linux");
  each(inNamespaces, alone, hasNamespaces ? "" : "namespaces");
});

describe("of logins:", () => {
  let claim: AsyncDisposable;
  beforeAll(async () => {
    claim = await claimBrowserLogins();
  }, 300_000);
  afterAll(async () => {
    await claim[Symbol.asyncDispose]();
  });
  each(ofLogins, async (scenario) => {
    await using login = await LoginServer.open();
    await using stage = await RealStage.open(login.overrides());
    return await scenario(stage, login);
  });
});
