import { TurnView, type TurnPart, type ViewEntry } from "codex-app-server-sdk/browser";
import type { Answer } from "./api.js";
import { diffElement } from "./diff.js";
import { element } from "./element.js";
import { entryElement, type EntryElement } from "./entry-element.js";

/**
 * One turn on the page. Parts may come by the hundred in a second: they are folded at once, and shown with
 * the next frame.
 */
export class TurnElement {
  readonly element = element("article", { className: "turn" });
  readonly #reply: (answer: Answer) => Promise<void>;
  readonly #shown: () => void;
  readonly #entries = element("div");
  readonly #foot = element("div");
  readonly #byKey = new Map<string, { entry: ViewEntry; shown: EntryElement }>();
  #view = TurnView.empty;
  #isDue = false;

  /** `reply` answers what the turn asks; `shown` is called after each change on the page. */
  constructor(reply: (answer: Answer) => Promise<void>, shown: () => void) {
    this.#reply = reply;
    this.#shown = shown;
    this.element.append(this.#entries, this.#foot);
  }

  get view(): TurnView {
    return this.#view;
  }

  apply(part: TurnPart): void {
    this.#view = TurnView.apply(this.#view, part);
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#show();
      this.#shown();
    });
  }

  #show(): void {
    const { entries, plan, retry, agents, diff, end } = this.#view;
    const shown = entries.map((entry, index) => this.#entry(entry, index).element);
    // Only what is new is added: an element that moves would lose its focus.
    shown.forEach((each, index) => {
      if (this.#entries.children[index] !== each) {
        this.#entries.insertBefore(each, this.#entries.children[index] ?? null);
      }
    });
    while (this.#entries.children.length > shown.length) this.#entries.lastElementChild?.remove();
    this.#foot.replaceChildren(
      ...agents.map(({ view }) => agentElement(view)),
      ...(plan && !end ? [planElement(plan)] : []),
      ...(retry && !end ? [note("The model cannot be reached. It is tried again…")] : []),
      ...(diff && end ? [changesElement(diff)] : []),
      ...(end && end.status !== "completed" ? [endElement(end)] : []),
    );
  }

  #entry(entry: ViewEntry, index: number): EntryElement {
    const key = `${entry.type} ${"id" in entry ? entry.id : index}`;
    const known = this.#byKey.get(key);
    if (!known) {
      const shown = entryElement(entry, this.#reply);
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

function note(text: string, className = "note"): HTMLElement {
  return element("p", { className }, text);
}

function planElement({ steps }: NonNullable<TurnView["plan"]>): HTMLElement {
  const items = steps.map(({ step, status }) => element("li", { className: status }, step));
  return element(
    "section",
    { className: "plan" },
    element("h2", {}, "Plan"),
    element("ol", {}, ...items),
  );
}

function changesElement(diff: string): HTMLElement {
  const body = element("div", { className: "body" }, diffElement(diff));
  return element("details", {}, element("summary", {}, "All changes of this turn"), body);
}

function agentElement({ entries, end }: TurnView): HTMLElement {
  const texts = entries.flatMap((entry) => (entry.type === "message" ? [entry.text] : []));
  const body = element(
    "div",
    { className: "body" },
    ...texts.map((text) => element("p", {}, text)),
  );
  const state = element(
    "span",
    { className: `badge ${end ? "" : "running"}` },
    end ? "done" : "runs",
  );
  return element("details", {}, element("summary", {}, "Sub-agent", state), body);
}

function endElement({ status, error }: NonNullable<TurnView["end"]>): HTMLElement {
  if (status === "interrupted") return note("Stopped.");
  return note(error?.title ?? "This turn did not complete.", "note failed");
}
