import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { reply } from "../../lib/testing/index.js";
import { startChromium } from "./support/chromium.js";
import { RunningApp } from "./support/running-app.js";

let browser: Browser;
let app: RunningApp;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  [browser, app] = await Promise.all([startChromium(), RunningApp.start("use-chat")]);
});
afterAll(async () => {
  await browser.close();
  await app[Symbol.asyncDispose]();
});
beforeEach(async () => {
  [context, page] = await visit("ann");
});
afterEach(async () => {
  await context.close();
});

/** A browser window of a user's own. */
async function visit(user: "ann" | "ben", hash = ""): Promise<[BrowserContext, Page]> {
  const own = await browser.newContext();
  own.setDefaultTimeout(20_000);
  const window = await own.newPage();
  await window.goto(app.addressOf(user));
  // Another hash alone would not load the page again.
  if (hash !== "") {
    await window.goto("about:blank");
    await window.goto(`${new URL(app.addressOf(user)).origin}/${hash}`);
  }
  return [own, window];
}

async function ask(text: string, window = page): Promise<void> {
  await window.getByLabel("Message").fill(text);
  await window.keyboard.press("Enter");
}

const seen = (text: string, window = page) => window.getByText(text, { exact: true }).waitFor();
const button = (name: string, window = page) => window.getByRole("button", { name });
const over = (window = page) => window.locator("button:disabled", { hasText: "Stop" }).waitFor();

/** Where the page works, from a file that a command writes. */
const write = (file: string): string => `printf done > ${file}`;

describe("a turn on the page", () => {
  test("comes piece by piece, and its usage behind it", async () => {
    const hold = reply.hold();
    app.model.enqueue(reply.text(["The first half,", hold, " and the other."]));
    await ask("Say it in pieces");
    await seen("The first half,");
    hold.release();
    await seen("The first half, and the other.");
    await over();
    await page.getByText(/tokens in, .* out/).waitFor();
  });

  test("asks by the buttons of the AI SDK; what is allowed runs, and what is refused does not", async () => {
    app.model.enqueue(
      reply.shell(write("allowed.txt")),
      reply.shell(write("refused.txt")),
      reply.text("One of two."),
    );
    await ask("Run both");
    await button("Allow").click();
    const second = page.getByLabel("command").filter({ hasText: "refused.txt" });
    await second.getByRole("button", { name: "Refuse" }).click();
    await seen("One of two.");
    await over();
    expect(await readFile(`${app.project}/allowed.txt`, "utf8")).toBe("done");
    await expect(readFile(`${app.project}/refused.txt`)).rejects.toThrow("ENOENT");
    expect(await page.locator("article.assistant").count()).toBe(1);
    expect(await page.getByLabel("command").count()).toBe(2);
  });

  test("goes on without a gap when the page is reloaded, be it before an answer", async () => {
    const hold = reply.hold();
    app.model.enqueue(
      reply.shell(write("reloaded.txt")),
      reply.text(["Before the reload, ", hold, "and after it."]),
    );
    await ask("Go on");
    await button("Allow").waitFor();
    await page.reload();
    await button("Allow").click();
    await seen("Before the reload,");
    await page.reload();
    await seen("Before the reload,");
    hold.release();
    await seen("Before the reload, and after it.");
    await over();
    expect(await readFile(`${app.project}/reloaded.txt`, "utf8")).toBe("done");
    expect(await page.getByText("Go on", { exact: true }).count()).toBe(1);
    expect(await page.locator("article.assistant").count()).toBe(1);
  });

  test("is stopped, also while it asks, and the next one runs", async () => {
    app.model.enqueue(
      reply.text(["On and on", reply.hold()]),
      reply.shell(write("stopped.txt")),
      reply.text("Here again."),
    );
    await ask("Talk");
    await seen("On and on");
    await button("Stop").click();
    await over();
    await ask("Run it");
    await button("Allow").waitFor();
    await button("Stop").click();
    await button("Allow").waitFor({ state: "hidden" });
    await over();
    await ask("Are you there?");
    await seen("Here again.");
    await over();
    await expect(readFile(`${app.project}/stopped.txt`)).rejects.toThrow("ENOENT");
  });
});

test("nobody else sees what is Ann's, or answers it", async () => {
  app.model.enqueue(reply.shell(write("secret.txt")), reply.text("It ran."));
  await ask("Run it");
  await button("Allow").waitFor();
  const { hash } = new URL(page.url());
  const [other, window] = await visit("ben", hash);
  await button("Send", window).waitFor();
  expect(await window.locator("article").count()).toBe(0);
  const statuses = await window.evaluate<number[], string>(async (id) => {
    const headers = { "content-type": "application/json" };
    const ask = (path: string, init: RequestInit) =>
      fetch(`/api/chat${path}`, { headers, ...init }).then(({ status }) => status);
    const part = { state: "approval-responded", approval: { id: "any", approved: true } };
    const messages = [{ role: "assistant", parts: [part] }];
    return Promise.all([
      ask(`/${id}/stream`, {}),
      ask(`/${id}/stop`, { method: "POST", body: "{}" }),
      ask("", { method: "POST", body: JSON.stringify({ id, messages }) }),
    ]);
  }, hash.slice(1));
  expect(statuses).toEqual([204, 404, 404]);
  await other.close();
  await button("Allow").click();
  await seen("It ran.");
  await over();
});
