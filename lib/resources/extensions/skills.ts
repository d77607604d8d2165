import type { SkillsListEntry } from "../../../generated/types.js";
import { checkText, checkTextList } from "../../errors/check-values.js";
import type { ParamsOf } from "../../protocol.js";
import { followNotifications, type FollowOptions } from "./follow-notifications.js";
import { checkParams, Resource } from "../resource.js";

/** The directories to list skills for, as in `skills/list`; without `cwds`, the server's own. */
export type ListSkillsOptions = ParamsOf<"skills/list">;
/** A skill by its name, in any place, or by the path of its `SKILL.md`. */
export type SkillSelector = { readonly name: string } | { readonly path: string };

/** The skills that threads can use: of the user, of projects, of plugins, and the server's own. */
export class Skills extends Resource {
  /**
   * Lists the skills of each directory, and the files that could not be read as one (`skills/list`).
   */
  async list(options: ListSkillsOptions = {}): Promise<SkillsListEntry[]> {
    checkParams("skills.list()", "skills/list", options);
    return (await this.call("skills/list", options)).data;
  }

  /**
   * Iterates the lists of skills: the current one, then a new one after changes (`skills/changed`).
   * Changes that come while you work with one list give one new list. The server watches the files of a
   * project once it has a thread there.
   *
   * The iteration ends when the client is closed, and throws when the connection is lost.
   */
  async *watch({ signal, ...options }: ListSkillsOptions & FollowOptions = {}): AsyncGenerator<
    SkillsListEntry[],
    undefined
  > {
    checkParams("skills.watch()", "skills/list", options);
    // One that waits to be read stands for all that come meanwhile.
    const pick = (): true | undefined => (changes.size > 0 ? undefined : true);
    const changes = followNotifications(this.getSession, "skills/changed", pick, { signal });
    try {
      do {
        changes.clear();
        yield (await this.call("skills/list", options, { signal })).data;
      } while (!(await changes.next()).done);
    } finally {
      await changes.return();
    }
    return undefined;
  }

  /**
   * Switches a skill on or off, for good: it is written to the user's configuration
   * (`skills/config/write`). Resolves with whether the skill is on now. The server does not check that the
   * skill exists.
   */
  async setEnabled(skill: SkillSelector, enabled: boolean): Promise<boolean> {
    if ("path" in skill) checkText("path", skill.path);
    return (await this.call("skills/config/write", { ...skill, enabled })).effectiveEnabled;
  }

  /**
   * Sets more directories to look for skills in, in place of those that were set before
   * (`skills/extraRoots/set`). They hold for every thread until the server process ends.
   */
  async setExtraRoots(extraRoots: readonly string[]): Promise<void> {
    checkTextList("extraRoots", extraRoots);
    await this.call("skills/extraRoots/set", { extraRoots: [...extraRoots] });
  }
}
