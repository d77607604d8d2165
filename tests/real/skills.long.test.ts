import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { AppServerClient, protocol } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
let client: AppServerClient;

beforeEach(async () => {
  stage = await RealStage.open();
  client = await stage.client();
});
afterEach(() => stage.close());

async function addSkill(directory: string, name: string, head = true): Promise<string> {
  const file = path.join(directory, name, "SKILL.md");
  await mkdir(path.dirname(file), { recursive: true });
  const matter = `---\nname: ${name}\ndescription: Does ${name}\n---\n`;
  await writeFile(file, `${head ? matter : ""}Just do it.\n`);
  return file;
}

/** The names and states of the skills that do not come with the server. */
function ours(entries: readonly protocol.SkillsListEntry[] | undefined): Record<string, boolean> {
  const skills = (entries ?? []).flatMap((entry) => entry.skills);
  return Object.fromEntries(
    skills.filter(({ scope }) => scope !== "system").map(({ name, enabled }) => [name, enabled]),
  );
}

describe("skills", () => {
  test("of the user and of the project are listed, and the files that are none", async () => {
    const homely = await addSkill(path.join(stage.home, "skills"), "homely");
    const local = await addSkill(path.join(stage.project, ".codex", "skills"), "local");
    const broken = await addSkill(path.join(stage.project, ".codex", "skills"), "broken", false);
    const [entry] = await client.skills.list({ cwds: [stage.project] });
    expect(entry?.cwd).toBe(stage.project);
    expect(entry?.skills).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: "homely", scope: "user", path: homely, enabled: true }),
        expect.objectContaining({ name: "local", scope: "repo", path: local, enabled: true }),
      ]),
    );
    expect(entry?.errors).toEqual([
      { path: broken, message: expect.stringContaining("frontmatter") },
    ]);
  });

  test("are switched off and on, by name and by file, and the model hears of those that are on", async () => {
    await addSkill(path.join(stage.home, "skills"), "homely");
    const file = await addSkill(path.join(stage.project, ".codex", "skills"), "local");
    const list = async () => ours(await client.skills.list({ cwds: [stage.project] }));
    const told = async () => {
      const thread = await client.startThread();
      stage.model.enqueueFor(thread.id, reply.text("Done."));
      await thread.run("Hi");
      const input = JSON.stringify(stage.model.requests.at(-1)?.body);
      return ["homely", "local"].filter((name) => input.includes(`Does ${name}`));
    };
    expect(await told()).toEqual(["homely", "local"]);

    expect(await client.skills.setEnabled({ name: "homely" }, false)).toBe(false);
    expect(await list()).toEqual({ homely: false, local: true });
    expect(await told()).toEqual(["local"]);
    expect(await client.skills.setEnabled({ path: file }, false)).toBe(false);
    expect(await list()).toEqual({ homely: false, local: false });
    expect(await client.skills.setEnabled({ name: "homely" }, true)).toBe(true);
    expect(await list()).toEqual({ homely: true, local: false });
    expect(await told()).toEqual(["homely"]);
  });

  test("are looked for in more directories, until others are named", async () => {
    const extra = path.join(stage.project, "extra");
    await addSkill(extra, "more");
    await client.skills.setExtraRoots([extra]);
    expect(ours(await client.skills.list())).toEqual({ more: true });
    await client.skills.setExtraRoots([]);
    expect(ours(await client.skills.list())).toEqual({});
  });

  test("are watched: the list as it is, and anew after each change", async () => {
    const extra = path.join(stage.project, "extra");
    await addSkill(extra, "more");
    const lists = client.skills.watch({ cwds: [stage.project] });
    expect(ours((await lists.next()).value)).toEqual({});
    await client.skills.setExtraRoots([extra]);
    expect(ours((await lists.next()).value)).toEqual({ more: true });
    await client.skills.setEnabled({ name: "more" }, false);
    await client.skills.setExtraRoots([extra, path.join(stage.project, "none")]);
    expect(ours((await lists.next()).value)).toEqual({ more: false });
    expect(await lists.return(undefined)).toEqual({ done: true, value: undefined });
  });
});

describe("hooks", () => {
  test("run once they are trusted and on, also in a loaded thread", async () => {
    const log = path.join(stage.project, "log");
    const config = path.join(stage.home, "hooks.json");
    const command = `echo ran >> '${log}'`;
    const hook = { type: "command", command, timeout: 5 };
    await writeFile(config, JSON.stringify({ hooks: { UserPromptSubmit: [{ hooks: [hook] }] } }));
    const listed = async () => (await client.hooks.list({ cwds: [stage.project] }))[0]?.hooks[0];
    const found = await listed();
    if (!found) throw new Error("the hook is not listed");
    expect(found).toMatchObject({
      eventName: "userPromptSubmit",
      handlerType: "command",
      command,
      timeoutSec: 5,
      sourcePath: config,
      trustStatus: "untrusted",
      enabled: true,
    });

    const thread = await client.startThread();
    const runs = async () => {
      stage.model.enqueueFor(thread.id, reply.text("Done."));
      await thread.run("Hi");
      return existsSync(log) ? (await readFile(log, "utf8")).split("ran").length - 1 : 0;
    };
    expect(await runs()).toBe(0);
    await client.hooks.trust(found);
    expect(await listed()).toMatchObject({ trustStatus: "trusted" });
    expect(await client.hooks.list({ threadId: thread.id })).toMatchObject([
      { cwd: stage.project, hooks: [{ key: found.key, trustStatus: "trusted" }] },
    ]);
    expect(await runs()).toBe(1);

    await client.hooks.setEnabled(found, false);
    expect(await listed()).toMatchObject({ enabled: false, trustStatus: "trusted" });
    expect(await runs()).toBe(1);
    await client.hooks.setEnabled(found, true);
    expect(await runs()).toBe(2);
    await client.hooks.untrust(found);
    expect(await listed()).toMatchObject({ enabled: true, trustStatus: "untrusted" });
    expect(await runs()).toBe(2);
  });
});
