import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import type { ThreadSection, ThreadSectionAppearance } from "../../../generated/types.js";
import { checkText, checkTexts } from "../../errors/check-values.js";
import type { Pages } from "../../options/pages.js";
import type { ParamsOf } from "../../protocol.js";
import { checkParams, Resource } from "../resource.js";

/** Options for listing sections, as in `threadSection/list`. */
export type ListSectionsOptions = Omit<ParamsOf<"threadSection/list">, "cursor">;

/** The appearance of a section: names that the server keeps and does not interpret. */
export interface SectionOptions {
  /** The appearance. An update without it leaves it as it is; `null` clears it. */
  appearance?: ThreadSectionAppearance | null | undefined;
}

const sectionKeys: KeysOf<SectionOptions> = { appearance: true };

/**
 * The sections that group threads. The server comes with one, "Pinned". `thread.moveToSection()` puts a
 * thread into a section, and `listThreads({ sectionId })` lists the threads of one, in the order of the
 * section with `sortKey: "section_position"`.
 */
export class Sections extends Resource {
  /** Lists all sections (`threadSection/list`). */
  list(options: ListSectionsOptions = {}): Pages<ThreadSection> {
    checkParams("sections.list()", "threadSection/list", options);
    return this.pages("threadSection/list", options);
  }

  /** Makes a section (`threadSection/create`). Two sections may have the same name. */
  async create(name: string, options: SectionOptions = {}): Promise<ThreadSection> {
    checkText("name", name);
    checkOptions("sections.create()", options, sectionKeys);
    return (await this.call("threadSection/create", { ...options, name })).section;
  }

  /** Renames a section (`threadSection/update`), and changes its appearance if given. */
  async update(
    sectionId: string,
    name: string,
    options: SectionOptions = {},
  ): Promise<ThreadSection> {
    checkTexts({ sectionId, name });
    checkOptions("sections.update()", options, sectionKeys);
    return (await this.call("threadSection/update", { ...options, sectionId, name })).section;
  }

  /** Deletes a section (`threadSection/delete`); its threads are then in none. */
  async delete(sectionId: string): Promise<void> {
    checkText("sectionId", sectionId);
    await this.call("threadSection/delete", { sectionId });
  }
}
