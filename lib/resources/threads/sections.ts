import { threadSectionListParamsKeys } from "../../../generated/methods.js";
import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import type {
  ThreadSection,
  ThreadSectionAppearance,
  ThreadSectionListParams,
} from "../../../generated/types.js";
import { checkText } from "../../options/checks.js";
import type { Connect } from "../../session/host.js";
import { Pages } from "../../options/pages.js";
import type { AllowUndefined } from "../../protocol.js";

/** How to list sections, as in `threadSection/list`. */
export type ListSectionsOptions = AllowUndefined<Omit<ThreadSectionListParams, "cursor">>;

/** How a section looks: names that the server keeps and does not interpret. */
export interface SectionOptions {
  /** Left out in an update, it stays as it is; `null` clears it. */
  appearance?: ThreadSectionAppearance | null | undefined;
}

const listKeys: KeysOf<ListSectionsOptions> = threadSectionListParamsKeys;
const sectionKeys: KeysOf<SectionOptions> = { appearance: true };

/**
 * The sections that threads are grouped in; the server comes with one, "Pinned". A thread is put
 * into one with `thread.moveToSection()`, and found there with `listThreads({ sectionId })`, in the
 * order of the section with `sortKey: "section_position"`.
 */
export class Sections {
  readonly #connect: Connect;

  /** @internal Use `codex.sections`. */
  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** All sections (`threadSection/list`). */
  list(options: ListSectionsOptions = {}): Pages<ThreadSection> {
    checkOptions("sections.list()", options, listKeys);
    return new Pages(async (cursor) => {
      const host = await this.#connect();
      const page = cursor === undefined ? {} : { cursor };
      return host.call("threadSection/list", { ...options, ...page });
    });
  }

  /** Makes a section (`threadSection/create`). Two may have the same name. */
  async create(name: string, options: SectionOptions = {}): Promise<ThreadSection> {
    checkText("name", name);
    checkOptions("sections.create()", options, sectionKeys);
    const host = await this.#connect();
    return (await host.call("threadSection/create", { ...options, name })).section;
  }

  /** Names a section anew (`threadSection/update`), and changes its looks if told to. */
  async update(
    sectionId: string,
    name: string,
    options: SectionOptions = {},
  ): Promise<ThreadSection> {
    checkText("sectionId", sectionId);
    checkText("name", name);
    checkOptions("sections.update()", options, sectionKeys);
    const host = await this.#connect();
    return (await host.call("threadSection/update", { ...options, sectionId, name })).section;
  }

  /** Deletes a section (`threadSection/delete`); its threads are then in none. */
  async delete(sectionId: string): Promise<void> {
    checkText("sectionId", sectionId);
    const host = await this.#connect();
    await host.call("threadSection/delete", { sectionId });
  }
}
