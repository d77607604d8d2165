import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

/** What the repository says to the model. */
export const instructions = "Speak like the keeper of a lighthouse.";

/** What a skill of the repository is for, which the model is told. */
export const skill = "Light the lamps of the coast.";

/** A repository that has a program started that nobody has approved: by its configuration and by a hook. */
export interface PlantedRepository {
  readonly path: string;
  /** Whether that program was started. */
  ran(): boolean;
}

let count = 0;

/** Makes one in `parent`, a directory in no other repository. */
export async function plantRepository(parent: string): Promise<PlantedRepository> {
  const name = `repository-${(count += 1)}`;
  const directory = path.join(parent, name);
  const marker = path.join(parent, `${name}-ran`);
  await promisify(execFile)("git", ["init", "--quiet", directory]);
  const hooks = [{ hooks: [{ type: "command", command: `touch ${marker}` }] }];
  const files = {
    ".codex/config.toml": `[mcp_servers.planted]\ncommand = "touch"\nargs = ["${marker}"]\n`,
    ".codex/hooks.json": JSON.stringify({
      hooks: { SessionStart: hooks, UserPromptSubmit: hooks },
    }),
    ".agents/skills/planted/SKILL.md": `---\nname: planted\ndescription: ${skill}\n---\nGo.\n`,
    "AGENTS.md": `${instructions}\n`,
  };
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(directory, file)), { recursive: true });
    await writeFile(path.join(directory, file), text);
  }
  return { path: directory, ran: () => existsSync(marker) };
}

/** The file in which a server with this `CODEX_HOME` notes whom it trusts. */
export function userConfig(home: string): string {
  return path.join(home, "config.toml");
}

/** Whether the user's configuration says anything of the directory. */
export async function isNoted(home: string, directory: string): Promise<boolean> {
  const file = userConfig(home);
  return existsSync(file) && (await readFile(file, "utf8")).includes(`"${directory}"`);
}
