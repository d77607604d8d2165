import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { reply } from "../../lib/testing/index.js";
import { childrenOf, untilGone } from "../support/processes.js";
import { RealStage } from "../support/real.js";
import { ctrlC, openTerminalHost } from "../support/terminal.js";

let stage: RealStage;

beforeAll(async () => {
  stage = await RealStage.open();
});

afterAll(() => stage.close());

test("Ctrl-C is the host's: it interrupts its turn, and goes on with the same server", async () => {
  const file = path.join(stage.project, "command.pid");
  // It has that name when it is whole.
  const shell = `echo $$ > ${file}.new && mv ${file}.new ${file} && exec sleep 600`;
  stage.model.enqueue(reply.shell(shell), reply.text("Not reached."));
  await using terminal = await openTerminalHost("turn", stage.options());
  const { host } = await terminal.next();
  const servers = await childrenOf(Number(host));
  expect(servers).toHaveLength(1);
  const command = await whenThere(file);

  terminal.type(ctrlC);
  expect(await terminal.next()).toEqual({ status: "interrupted", stored: ["interrupted"] });
  expect(await childrenOf(Number(host))).toEqual(servers);

  // The command goes on behind its turn, as a terminal of the server's. Nothing outlives this one.
  terminal.hangUp();
  for (const each of [host, ...servers, command]) await untilGone(Number(each));
});

/** What a file holds, once it is there. */
async function whenThere(file: string): Promise<string> {
  for (;;) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text !== undefined) return text;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
