import { appendFile, readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { readTurn, TurnView, type TurnPart } from "../../../lib/browser/index.js";
import { reply } from "../../../lib/testing/index.js";
import { untilGone } from "../../support/processes.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { startChromium } from "../support/chromium.js";
import { buildInto, installedApp, productionSettings } from "./built-app.js";
import { NextServer } from "./next-server.js";

let browser: Browser;
/** Where the output was copied to. */
let alone: TempDir;

beforeAll(async () => {
  alone = await makeTempDir("standalone-");
  await buildInto(alone.path);
  browser = await startChromium();
});
afterAll(async () => {
  await browser.close();
  await alone.remove();
});

/** The output, started as `npm start` does. */
async function startAlone(): Promise<NextServer> {
  return NextServer.start(alone.path, [`--env-file=${productionSettings}`, "server.js"]);
}

/** The parts of one of Ann's turns. */
function follow(server: NextServer, events: string): AsyncIterable<TurnPart> {
  return readTurn(`${server.origin}${events}`, { headers: { cookie: "token=token-of-ann" } });
}

async function untilEnd(parts: AsyncIterable<TurnPart>): Promise<TurnView> {
  let view = TurnView.empty;
  for await (const part of parts) view = TurnView.apply(view, part);
  return view;
}

const answerOf = ({ entries }: TurnView): unknown =>
  entries.find((entry) => entry.type === "message")?.text;

describe("the output that stands alone, in another directory", () => {
  let server: NextServer;
  beforeAll(async () => {
    server = await startAlone();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("shows a conversation on a page: text piece by piece, and an approval", async () => {
    const context = await browser.newContext();
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    await page.goto(server.addressOf("ann"));
    expect(page.url()).toBe(`${server.origin}/`);
    const log = page.getByRole("log");
    const ask = async (text: string): Promise<void> => {
      await page.getByLabel("Message").fill(text);
      await page.getByRole("button", { name: "Send" }).click();
    };

    const hold = reply.hold();
    server.model.enqueue(reply.text(["First this", hold, ", and then that."]));
    await ask("Say it in pieces");
    await log.getByText("First this", { exact: true }).waitFor();
    hold.release();
    await log.getByText("First this, and then that.", { exact: true }).waitFor();

    server.model.enqueue(reply.shell("printf done > page.txt"), reply.text("It ran."));
    await ask("Run it");
    await page.getByRole("button", { name: "Allow" }).click();
    await log.getByText("It ran.", { exact: true }).waitFor();
    expect(await readFile(`${server.project}/page.txt`, "utf8")).toBe("done");

    server.model.enqueue(reply.text(["On and on", reply.hold()]));
    await ask("Talk");
    await log.getByText("On and on", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await log.getByText("Stopped.", { exact: true }).waitFor();
    await context.close();
  });

  test("runs the program that was copied along", async () => {
    server.model.enqueue(reply.text("Here."));
    const { events } = await server.ask("Where are you?");
    expect(answerOf(await untilEnd(follow(server, events)))).toBe("Here.");
    const programs = await server.appServers();
    expect(programs).toHaveLength(1);
    expect(programs[0]?.args).toMatch(`${alone.path}/node_modules/@openai/codex-`);
  });

  test("lets nobody else see or answer what is Ann's", async () => {
    server.model.enqueue(reply.shell("printf done > http.txt"), reply.text("It ran."));
    const { threadId, turnId, events } = await server.ask("Run it");
    const answer = (key: string) => ({ key, decision: "accept" });
    let view = TurnView.empty;
    for await (const part of follow(server, events)) {
      view = TurnView.apply(view, part);
      if (part.type !== "request") continue;
      const posts = [
        [`/api/turns/${turnId}/answers`, answer(part.key)],
        [`/api/turns/${turnId}/steer`, { input: "Go on" }],
        [`/api/turns/${turnId}/interrupt`, {}],
        [`/api/threads/${threadId}/turns`, { input: "Mine now" }],
        [events],
        [`/api/threads/${threadId}`],
      ] as const;
      for (const [url, body] of posts) {
        expect((await server.request(url, "ben", body)).status).toBe(404);
        expect((await server.request(url, undefined, body)).status).toBe(401);
      }
      const own = await server.request(`/api/turns/${turnId}/answers`, "ann", answer(part.key));
      expect(own.status).toBe(204);
    }
    expect(answerOf(view)).toBe("It ran.");
    expect(await readFile(`${server.project}/http.txt`, "utf8")).toBe("done");
    expect(await (await server.request("/api/threads", "ben")).json()).toEqual({ threads: [] });
    expect((await server.request("/login?token=made-up")).status).toBe(401);
  });
});

test("SIGTERM lets a turn end that runs, and leaves no process behind", async () => {
  await using server = await startAlone();
  const hold = reply.hold();
  server.model.enqueue(reply.text(["Before it, ", hold, "and after it."]));
  const { events } = await server.ask("Go on");
  const parts = follow(server, events);
  let stopped: Promise<number | null> | undefined;
  let programs: Awaited<ReturnType<NextServer["appServers"]>> = [];
  let view = TurnView.empty;
  for await (const part of parts) {
    view = TurnView.apply(view, part);
    if (part.type !== "message-delta" || stopped) continue;
    programs = await server.appServers();
    stopped = server.stop();
    hold.release();
  }
  expect([answerOf(view), view.end?.status]).toEqual(["Before it, and after it.", "completed"]);
  expect(await stopped).toBe(0);
  expect(programs).toHaveLength(1);
  for (const { pid } of programs) await untilGone(pid);
});

test("in development there is one app-server, whatever is loaded anew", async () => {
  const app = await installedApp();
  await using server = await NextServer.start(app, ["node_modules/next/dist/bin/next", "dev"]);
  const turn = async (text: string): Promise<void> => {
    server.model.enqueue(reply.text(text));
    const { events } = await server.ask("Hello");
    expect(answerOf(await untilEnd(follow(server, events)))).toBe(text);
  };
  await turn("Before the change.");
  const before = await server.appServers();
  const changed = server.printed("lib/chat.ts was loaded anew");
  await appendFile(path.join(app, "lib/chat.ts"), `console.log("lib/chat.ts was loaded anew");\n`);
  await askUntil(changed, () => server.request("/api/health"));
  await turn("After the change.");
  expect(before).toHaveLength(1);
  expect(await server.appServers()).toEqual(before);
  await server.stop();
  for (const { pid } of before) await untilGone(pid);
});

/** Next loads a changed file when a request needs it, once it has seen the change. */
async function askUntil(changed: Promise<void>, request: () => Promise<unknown>): Promise<void> {
  const isOver = new AbortController();
  const asking = (async () => {
    while (!isOver.signal.aborted) {
      await request();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  await changed.finally(() => {
    isOver.abort();
  });
  await asking;
}
