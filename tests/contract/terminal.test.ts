import { describe, expect, test } from "@jest/globals";
import { untilGone } from "../support/processes.js";
import { ScriptedServer } from "../support/scripted-server.js";
import { ctrlC, openTerminalHost } from "../support/terminal.js";

/** Ends with 3 when it can reach the terminal of the host, and else with 4. */
const reachForTerminal = ["-c", "(: > /dev/tty) 2>/dev/null && exit 3; exit 4"];

describe("a server, when its host runs in a terminal", () => {
  test("ends with a host that dies by Ctrl-C, at the end of its input", async () => {
    await using server = await ScriptedServer.create();
    await using terminal = await openTerminalHost("waits", { launch: server.launch });
    const { host } = await terminal.next();
    terminal.type(ctrlC);
    const [pid = 0] = await server.pids();
    for (const each of [host, pid]) await untilGone(Number(each));
    expect(await server.log()).toContainEqual({ eof: true });
  });

  test("has no part in the terminal", async () => {
    const launch = { command: "sh", args: reachForTerminal };
    await using terminal = await openTerminalHost("starts", { launch });
    expect(await terminal.next()).toEqual({ exitCode: 4 });
  });

  test("shares it with detached: false, for one that asks for a password", async () => {
    const launch = { command: "sh", args: reachForTerminal, detached: false };
    await using terminal = await openTerminalHost("starts", { launch });
    expect(await terminal.next()).toEqual({ exitCode: 3 });
  });

  test("gets the Ctrl-C as well with detached: false", async () => {
    await using server = await ScriptedServer.create();
    const launch = { ...server.launch, detached: false };
    await using terminal = await openTerminalHost("watches", { launch });
    await terminal.next();
    terminal.type(ctrlC);
    expect(await terminal.next()).toEqual({ kind: "exited", signal: "SIGINT" });
  });
});
