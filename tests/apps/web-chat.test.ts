import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { reply } from "../../lib/testing/index.js";
import { startChromium } from "./support/chromium.js";
import { RunningApp } from "./support/running-app.js";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser: Browser;
let app: RunningApp;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  [browser, app] = await Promise.all([startChromium(), RunningApp.start("web-chat")]);
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
async function visit(
  user: "ann" | "ben",
  url = app.addressOf(user),
): Promise<[BrowserContext, Page]> {
  const own = await browser.newContext();
  own.setDefaultTimeout(20_000);
  const window = await own.newPage();
  await window.goto(app.addressOf(user));
  if (url !== app.addressOf(user)) await window.goto(url);
  return [own, window];
}

async function ask(text: string, window = page): Promise<void> {
  await window.getByLabel("Message").fill(text);
  await window.keyboard.press("Enter");
}

const log = (window = page) => window.getByRole("log");
const seen = (text: string, window = page) =>
  log(window).getByText(text, { exact: true }).waitFor();
const over = (window = page) => window.getByRole("button", { name: "Send" }).waitFor();
/** Resolves when the conversation on the page has ended with this, whatever the page knows of it. */
async function stored(text: string): Promise<void> {
  const { origin, searchParams } = new URL(page.url());
  const [cookie] = await context.cookies();
  const headers = { cookie: `${cookie?.name ?? ""}=${cookie?.value ?? ""}` };
  for (;;) {
    const response = await fetch(`${origin}/api/threads/${searchParams.get("thread") ?? ""}`, {
      headers,
    });
    const { running, turns } = (await response.json()) as { running: string[]; turns: unknown };
    if (running.length === 0 && JSON.stringify(turns).includes(text)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Where the page works, from a file that a command writes. */
const write = (file: string): string => `printf done > ${file}`;

describe("a turn on the page", () => {
  test("comes piece by piece, as Markdown", async () => {
    const hold = reply.hold();
    app.model.enqueue(reply.text(["First **bold**", hold, " and then `code`."]));
    await ask("Say it in pieces");
    await log().locator("strong", { hasText: "bold" }).waitFor();
    expect(await log().locator("code").count()).toBe(0);
    hold.release();
    await log().locator("code", { hasText: "code" }).waitFor();
    await over();
    await page.getByText(/tokens in, .* out/).waitFor();
  });

  test("asks, and a command runs when it is allowed", async () => {
    app.model.enqueue(reply.shell(write("allowed.txt")), reply.text("It ran."));
    await ask("Run it");
    await page.getByRole("heading", { name: "Run this command?" }).waitFor();
    await page.getByRole("button", { name: "Allow" }).click();
    await seen("It ran.");
    await over();
    expect(await readFile(`${app.project}/allowed.txt`, "utf8")).toBe("done");
    await log().locator(".badge.completed").waitFor();
  });

  test("does not run what is declined", async () => {
    app.model.enqueue(reply.shell(write("declined.txt")), reply.text("So not."));
    await ask("Run it");
    await page.getByRole("button", { name: "Decline" }).click();
    await seen("So not.");
    await over();
    await log().locator(".badge.declined").waitFor();
    await expect(readFile(`${app.project}/declined.txt`)).rejects.toThrow("ENOENT");
  });

  test("shows the changes of files", async () => {
    const patch = "*** Begin Patch\n*** Add File: new.txt\n+a line of it\n*** End Patch";
    app.model.enqueue(reply.applyPatch(patch), reply.text("It is there."));
    await ask("Write it");
    await page.getByRole("heading", { name: "Change these files?" }).waitFor();
    await log().locator("summary", { hasText: "add new.txt" }).waitFor();
    await page.getByRole("button", { name: "Allow" }).click();
    await seen("It is there.");
    await over();
    await page.getByText("All changes of this turn").click();
    await log().locator(".diff .add", { hasText: "a line of it" }).last().waitFor();
  });

  test("is stopped by a button, and by a key", async () => {
    for (const stop of [
      () => page.getByRole("button", { name: "Stop" }).click(),
      () => page.keyboard.press("Escape"),
    ]) {
      app.model.enqueue(reply.text(["On and on", reply.hold()]));
      await ask("Talk");
      await seen("On and on");
      await stop();
      await seen("Stopped.");
      await over();
      await page.getByRole("button", { name: "New conversation" }).first().click();
    }
  });

  test("takes more input while it runs", async () => {
    const hold = reply.hold();
    app.model.enqueue(reply.text(["Thinking of one thing", hold]), reply.text("And of the other."));
    await ask("One thing");
    await seen("Thinking of one thing");
    await page.getByLabel("Message").fill("The other, too");
    // Only what the server has taken before the turn ends becomes a part of it.
    const steered = page.waitForResponse((response) => response.url().endsWith("/steer"));
    await page.getByRole("button", { name: "Steer" }).click();
    expect((await steered).ok()).toBe(true);
    hold.release();
    await seen("And of the other.");
    await over();
    await seen("The other, too");
  });
});

describe("sub-agents", () => {
  afterEach(() => {
    app.model.respond(undefined);
  });

  /** A sub-agent that runs a command, and tells. */
  function haveAgents(file: string): void {
    app.model.respond(({ parentThreadId, toolOutputs: [first, second] }) => {
      if (parentThreadId) {
        return first ? reply.text("Looked **into** it.") : reply.shell(write(file));
      }
      if (!first) return reply.spawnAgent("Look into the file.");
      return second ? reply.text("All is done.") : reply.waitAgent([agentOf(first.output)]);
    });
  }

  test("have views of their own, which open by keyboard and stay open", async () => {
    haveAgents("agent.txt");
    await ask("Ask somebody");
    const card = page.getByRole("region", { name: "Sub-agent: Look into the file. asks" });
    await card.getByRole("heading", { name: "Run this command?" }).waitFor();
    await card.getByText("Sub-agent: Look into the file.", { exact: true }).waitFor();
    const agent = log().locator("details.agent");
    await agent.locator(".badge.waiting").waitFor();
    expect(await seriousFindings()).toEqual([]);
    await agent.locator("summary").first().focus();
    await page.keyboard.press("Enter");
    await agent.locator("summary code", { hasText: "agent.txt" }).waitFor();
    await card.getByRole("button", { name: "Allow" }).focus();
    await page.keyboard.press("Enter");
    await agent.locator("strong", { hasText: "into" }).waitFor();
    await agent.locator(".body .badge.completed").waitFor();
    await seen("All is done.");
    await over();
    expect(await readFile(`${app.project}/agent.txt`, "utf8")).toBe("done");
    expect(await agent.getAttribute("open")).not.toBeNull();
    await agent.locator("summary > .badge.completed").first().waitFor();
    expect(await seriousFindings()).toEqual([]);
  });

  test("do not run what is declined", async () => {
    haveAgents("agent-declined.txt");
    await ask("Ask somebody");
    await page.getByRole("button", { name: "Decline" }).click();
    await seen("All is done.");
    await over();
    const agent = log().locator("details.agent");
    await agent.locator("summary").first().click();
    await agent.locator(".body .badge.declined").waitFor();
    await expect(readFile(`${app.project}/agent-declined.txt`)).rejects.toThrow("ENOENT");
  });
});

describe("without a mouse, in a narrow window,", () => {
  test("a command is allowed, and an older conversation found again", async () => {
    await page.setViewportSize({ width: 380, height: 700 });
    app.model.enqueue(reply.shell(write("keys.txt")), reply.text("By keys alone."));
    await ask("First by keys");
    await page.getByRole("button", { name: "Allow" }).waitFor();
    await tabTo("Allow");
    await page.keyboard.press("Enter");
    await seen("By keys alone.");
    await over();
    expect(await readFile(`${app.project}/keys.txt`, "utf8")).toBe("done");
    await tabTo("Conversations");
    await page.keyboard.press("Enter");
    await tabTo("New conversation");
    await page.keyboard.press("Enter");
    await log().getByText("By keys alone.").waitFor({ state: "detached" });
    app.model.enqueue(reply.text("The second answer."));
    await ask("Second by keys");
    await seen("The second answer.");
    await over();
    await tabTo("Conversations");
    await page.keyboard.press("Enter");
    await tabTo("First by keys");
    await page.keyboard.press("Enter");
    await seen("By keys alone.");
    expect(await log().getByText("The second answer.").count()).toBe(0);
  });

  /** Presses the tabulator until the focus is on the button of this name. */
  async function tabTo(name: string): Promise<void> {
    const button = page.getByRole("button", { name, exact: true }).and(page.locator(":focus"));
    for (let count = 0; count < 60; count += 1) {
      await page.keyboard.press("Tab");
      if ((await button.count()) > 0) return;
    }
    throw new Error(`the tabulator does not reach ${name}`);
  }
});

/** The thread of a sub-agent, from the output of the call that has started it. */
function agentOf(output: string): string {
  return (JSON.parse(output) as { agent_id: string }).agent_id;
}

describe("whatever happens to the page", () => {
  test("a reload in the middle goes on without a gap", async () => {
    const hold = reply.hold();
    app.model.enqueue(reply.text(["Before the reload, ", hold, "and after it."]));
    await ask("Go on");
    await seen("Before the reload,");
    await page.reload();
    await seen("Before the reload,");
    hold.release();
    await seen("Before the reload, and after it.");
    await over();
    await page.reload();
    await seen("Before the reload, and after it.");
    expect(await log().getByText("Go on", { exact: true }).count()).toBe(1);
  });

  test("two windows see one turn, and either answers", async () => {
    app.model.enqueue(reply.shell(write("two.txt")), reply.text("Both saw it."));
    await ask("Run it");
    await page.getByRole("button", { name: "Allow" }).waitFor();
    const [other, window] = await visit("ann", page.url());
    await window.getByRole("button", { name: "Allow" }).click();
    await Promise.all([seen("Both saw it."), seen("Both saw it.", window)]);
    await page.getByRole("button", { name: "Allow" }).waitFor({ state: "hidden" });
    await other.close();
  });

  test("a network that is cut and comes back loses nothing", async () => {
    const hold = reply.hold();
    app.model.enqueue(reply.text(["Before the cut, ", hold, "and after it."]));
    await ask("Go on");
    await seen("Before the cut,");
    await context.setOffline(true);
    hold.release();
    await stored("and after it.");
    await context.setOffline(false);
    await seen("Before the cut, and after it.");
    await over();
  });

  test("a server that is killed is told, and the next turn runs on another", async () => {
    app.model.enqueue(reply.shell("kill -9 $PPID"), reply.text("Here again."));
    await ask("Kill it");
    await page.getByRole("button", { name: "Allow" }).click();
    await log().locator(".note.failed", { hasText: "was lost" }).waitFor();
    await over();
    await ask("Are you there?");
    await seen("Here again.");
    await over();
  });
});

describe("nobody else", () => {
  test("sees a conversation of Ann's, or its turns", async () => {
    app.model.enqueue(reply.text("A secret of Ann's."));
    await ask("Tell me");
    await seen("A secret of Ann's.");
    await over();
    const [other, window] = await visit("ben", page.url());
    await window.getByRole("alert").getByText("This does not exist, or is not yours.").waitFor();
    expect(await window.getByText("A secret of Ann's.").count()).toBe(0);
    const list = window.getByRole("navigation", { name: "Conversations" }).getByRole("listitem");
    expect(await list.count()).toBe(0);
    await other.close();
  });

  test("gets in without a token, or by another name of the host", async () => {
    const { origin, port } = new URL(app.addressOf("ann"));
    expect((await fetch(`${origin}/`)).status).toBe(401);
    expect((await fetch(`${origin}/api/threads`)).status).toBe(401);
    const rebound = await page.request.get(`${origin}/`, {
      headers: { host: `evil.test:${port}` },
    });
    expect(rebound.status()).toBe(421);
  });

  test("has a script, or an image, loaded by what the model says", async () => {
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    const evil =
      "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>";
    app.model.enqueue(
      reply.text(
        `${evil}\n\n![pixel](https://evil.test/pixel.png)\n\n[link](javascript:alert(1))\n\nEnd.`,
      ),
    );
    await ask("Be evil");
    await seen("End.");
    await over();
    expect(await log().locator("img, script").count()).toBe(0);
    expect(await log().locator("a[href^=javascript]").count()).toBe(0);
    expect(await page.title()).toBe("Codex");
    expect(requests.filter((url) => !url.startsWith(new URL(page.url()).origin))).toEqual([]);
  });
});

describe.each([
  ["light", { width: 1280, height: 800 }],
  ["dark", { width: 1280, height: 800 }],
  ["light", { width: 380, height: 700 }],
] as const)("in a %s window of %o", (colorScheme, viewport) => {
  test("axe finds nothing serious", async () => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    app.model.enqueue(
      reply.shell("true"),
      reply.text("# A heading\n\nA [link](https://example.test) and `code`."),
    );
    await ask("Run it");
    await page.getByRole("button", { name: "Allow" }).waitFor();
    expect(await seriousFindings()).toEqual([]);
    await page.getByRole("button", { name: "Allow" }).click();
    await seen("A heading");
    await over();
    expect(await seriousFindings()).toEqual([]);
    const sideways = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
    expect(sideways).toBe(false);
  });
});

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

async function seriousFindings(): Promise<unknown[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResults>("axe.run()");
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) }));
}
