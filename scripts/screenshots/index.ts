/**
 * Takes the pictures of the chat in the browser that README and docs/web.md show: `npm run screenshots`. The
 * scripted model of the quickstart speaks, in the real Chromium.
 */
import path from "node:path";
import { startChromium } from "../../tests/apps/support/chromium.js";
import { RunningApp } from "../../tests/apps/support/running-app.js";
import { scriptConversation } from "./conversation.js";

const docs = path.resolve(import.meta.dirname, "../../docs");
await using app = await RunningApp.start("web-chat");
const browser = await startChromium();
try {
  const context = await browser.newContext({ viewport: { width: 1100, height: 720 } });
  const page = await context.newPage();
  await page.goto(app.addressOf("ann"));
  scriptConversation(app.model);
  await page.getByLabel("Message").fill("sum.js says that 2 + 2 is 0. Why?");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Allow" }).click();
  await page.getByRole("heading", { name: "Change these files?" }).waitFor();
  await page.getByText("Thoughts").click();
  await page.screenshot({ path: path.join(docs, "web-chat.png") });
  await page.getByRole("button", { name: "Allow" }).click();
  await page.getByText("Now it adds").waitFor();
  await page.getByRole("button", { name: "Send" }).waitFor();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 390, height: 720 });
  await page.screenshot({ path: path.join(docs, "web-chat-narrow.png") });
  console.log("Wrote docs/web-chat.png and docs/web-chat-narrow.png");
} finally {
  await browser.close();
}
