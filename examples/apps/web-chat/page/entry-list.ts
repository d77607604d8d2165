import type { ViewEntry } from "codex-app-server-sdk/browser";
import type { Answer } from "./api.js";
import { element } from "./element.js";
import { entryElement, type EntryElement } from "./entry-element.js";

/** The entries of one view on the page, in their order. Each keeps its element for as long as it is shown. */
export class EntryList {
  readonly element = element("div");
  readonly #reply: (answer: Answer) => Promise<void>;
  readonly #byKey = new Map<string, { entry: ViewEntry; shown: EntryElement }>();

  constructor(reply: (answer: Answer) => Promise<void>) {
    this.#reply = reply;
  }

  /** `asker` says whose they are, when they are a sub-agent's. */
  show(entries: readonly ViewEntry[], asker?: string): void {
    const shown = entries.map((entry, index) => this.#entry(entry, index, asker).element);
    arrange(this.element, shown);
  }

  #entry(entry: ViewEntry, index: number, asker: string | undefined): EntryElement {
    const key = `${entry.type} ${"id" in entry ? entry.id : index}`;
    const known = this.#byKey.get(key);
    if (!known) {
      const shown = entryElement(entry, this.#reply, asker);
      this.#byKey.set(key, { entry, shown });
      return shown;
    }
    if (known.entry !== entry) {
      known.entry = entry;
      known.shown.show(entry);
    }
    return known.shown;
  }
}

/** Makes these the children. Only what is new is added: an element that moves would lose its focus. */
export function arrange(parent: HTMLElement, children: readonly HTMLElement[]): void {
  children.forEach((each, index) => {
    const there = parent.children[index] ?? null;
    if (there !== each) parent.insertBefore(each, there);
  });
  while (parent.children.length > children.length) parent.lastElementChild?.remove();
}
