import { createHash } from "node:crypto";
import path from "node:path";
import { check, notBlank } from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { Files } from "../../index.js";
import type { HarnessSkill } from "./harness-types.js";

/** A name that all who are told the same have in common. */
export function fingerprint(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}

const heading =
  "Skills are instructions for tasks of a kind. Read a skill when a task is of its kind, and do as it says. " +
  "This list replaces every earlier list of skills of this application.";

/**
 * Writes the skills to files of the server's machine, and gives what the model is to know of them: names, descriptions
 * and paths, as for skills of Codex's own. A model without a shell could not read them, and is told their content.
 *
 * @throws InvalidArgumentError for a file that would lie elsewhere, before anything is written.
 */
export async function provideSkills(
  skills: readonly HarnessSkill[],
  { files, directory, canRead }: { files: Files; directory: string; canRead: boolean },
): Promise<string> {
  for (const [index, skill] of skills.entries()) checkSkill(skill, `skills[${index}]`);
  if (skills.length === 0) return "This application has no skills any more.";
  const paths = /^([a-z]:)?\\/i.test(directory) ? path.win32 : path.posix;
  const lines: string[] = [];
  for (const { name, description, content, files: more = [] } of skills) {
    const text = `---\nname: ${name}\ndescription: ${JSON.stringify(description)}\n---\n\n${content}\n`;
    if (!canRead) {
      const whole = [content, ...more.map((file) => `${file.path}:\n${file.content}`)];
      lines.push(`- ${name}: ${description}\n${whole.join("\n\n")}`);
      continue;
    }
    const home = paths.join(directory, fingerprint([text, more]), name);
    for (const file of [{ path: "SKILL.md", content: text }, ...more]) {
      const place = paths.join(home, file.path);
      await files.mkdir(paths.dirname(place), { recursive: true });
      await files.write(place, file.content);
    }
    lines.push(`- ${name}: ${description} (file: ${paths.join(home, "SKILL.md")})`);
  }
  return [heading, ...lines].join("\n");
}

function checkSkill({ name, description, content, files = [] }: HarnessSkill, where: string): void {
  check(`${where}.description`, description, notBlank);
  check(`${where}.content`, content, notBlank);
  if (!/^[\w][\w.-]*$/.test(name)) {
    throw new InvalidArgumentError(`${where}.name`, "must be of letters, digits, and - or _");
  }
  for (const [index, file] of files.entries()) {
    const parts = file.path.split("/");
    const isOwn = parts.every((part) => part !== "" && part !== "." && part !== "..");
    if (!isOwn || /[\\\0:]/.test(file.path) || file.path.toLowerCase() === "skill.md") {
      throw new InvalidArgumentError(
        `${where}.files[${index}].path`,
        "must be a relative path inside the skill, with slashes",
      );
    }
  }
}
