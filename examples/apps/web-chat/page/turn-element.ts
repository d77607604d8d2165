import { TurnView, type TurnPart } from "codex-app-server-sdk/browser";
import { AgentList } from "./agent-list.js";
import type { Answer } from "./api.js";
import { diffElement } from "./diff.js";
import { element } from "./element.js";
import { EntryList } from "./entry-list.js";

/**
 * One turn on the page. Parts may come by the hundred in a second: they are folded at once, and shown with
 * the next frame.
 */
export class TurnElement {
  readonly element = element("article", { className: "turn" });
  readonly #shown: () => void;
  readonly #entries: EntryList;
  readonly #agents: AgentList;
  readonly #foot = element("div");
  #view = TurnView.empty;
  #isDue = false;

  /** `reply` answers what the turn asks; `shown` is called after each change on the page. */
  constructor(reply: (answer: Answer) => Promise<void>, shown: () => void) {
    this.#shown = shown;
    this.#entries = new EntryList(reply);
    this.#agents = new AgentList(reply);
    this.element.append(this.#entries.element, this.#agents.element, this.#foot);
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
    const { entries, plan, retry, diff, end } = this.#view;
    this.#entries.show(entries);
    this.#agents.show(this.#view);
    this.#foot.replaceChildren(
      ...(plan && !end ? [planElement(plan)] : []),
      ...(retry && !end ? [note("The model cannot be reached. It is tried again…")] : []),
      ...(diff && end ? [changesElement(diff)] : []),
      ...(end && end.status !== "completed" ? [endElement(end)] : []),
    );
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

function endElement({ status, error }: NonNullable<TurnView["end"]>): HTMLElement {
  if (status === "interrupted") return note("Stopped.");
  return note(error?.title ?? "This turn did not complete.", "note failed");
}
