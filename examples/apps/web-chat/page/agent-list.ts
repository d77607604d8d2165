import type { TurnView } from "codex-app-server-sdk/browser";
import type { Answer } from "./api.js";
import { element } from "./element.js";
import { badgeOf } from "./entry-element.js";
import { arrange, EntryList } from "./entry-list.js";

type Agent = TurnView["agents"][number];
type Reply = (answer: Answer) => Promise<void>;

/**
 * The sub-agents of a turn: each a view of its own that opens and closes, within that of the one that has started
 * it. What they ask stands before all of them: nobody would find it in a view that is closed.
 */
export class AgentList {
  readonly element: HTMLElement;
  readonly #reply: Reply;
  readonly #asked = element("div");
  readonly #agents = element("div");
  readonly #byTurn = new Map<string, AgentElement>();

  constructor(reply: Reply) {
    this.#reply = reply;
    this.element = element("div", {}, this.#asked, this.#agents);
  }

  show({ agents, entries, threadId }: TurnView): void {
    const prompts = new Map(promptsOf([{ entries }, ...agents.map(({ view }) => view)]));
    for (const agent of agents) {
      const key = keyOf(agent);
      const shown = this.#byTurn.get(key) ?? new AgentElement(this.#reply);
      this.#byTurn.set(key, shown);
      shown.show(agent, prompts.get(agent.origin.threadId));
    }
    const all = agents.flatMap((agent) => this.#byTurn.get(keyOf(agent)) ?? []);
    const startedBy = (parent: string | null): AgentElement[] =>
      all.filter(({ parentThreadId }) => parentThreadId === parent);
    const threads = new Set(all.map((each) => each.threadId));
    // Whoever has started one may be none that is shown.
    const roots = all.filter(
      ({ parentThreadId: parent }) => parent === threadId || !threads.has(parent ?? ""),
    );
    arrange(
      this.#agents,
      roots.map(({ element: each }) => each),
    );
    const parents = new Set<string>();
    for (const each of all) {
      // One that was given more to do has several turns; what it has started stands in the first of them.
      const children = parents.has(each.threadId) ? [] : startedBy(each.threadId);
      parents.add(each.threadId);
      arrange(
        each.children,
        children.map((child) => child.element),
      );
    }
    arrange(
      this.#asked,
      all.map(({ asked }) => asked.element),
    );
  }
}

/** One turn of a sub-agent. */
class AgentElement {
  readonly element: HTMLDetailsElement;
  /** What it asks. */
  readonly asked: EntryList;
  /** Where the sub-agents are shown that it has started. */
  readonly children = element("div");
  threadId = "";
  parentThreadId: string | null = null;
  readonly #name = element("span");
  readonly #badge = element("span");
  readonly #entries: EntryList;

  constructor(reply: Reply) {
    this.asked = new EntryList(reply);
    this.#entries = new EntryList(reply);
    const body = element("div", { className: "body" }, this.#entries.element, this.children);
    const summary = element("summary", {}, this.#name, this.#badge);
    this.element = element("details", { className: "agent" }, summary, body);
  }

  show({ origin, view: { entries, end } }: Agent, prompt: string | undefined): void {
    this.threadId = origin.threadId;
    this.parentThreadId = origin.parentThreadId;
    const name = prompt === undefined ? "Sub-agent" : `Sub-agent: ${prompt}`;
    this.#name.textContent = name;
    const asks = entries.filter(({ type }) => type === "request");
    const waits = asks.some((entry) => "outcome" in entry && entry.outcome === null);
    const status = end ? end.status : waits ? "waiting" : "running";
    badgeOf(this.#badge, status);
    this.#entries.show(entries.filter(({ type }) => type !== "request"));
    this.asked.show(asks, name);
  }
}

function keyOf({ origin: { threadId, turnId } }: Agent): string {
  return `${threadId} ${turnId}`;
}

/** What the sub-agents were told to do, by their threads. */
function* promptsOf(views: readonly Pick<TurnView, "entries">[]): Generator<[string, string]> {
  for (const { entries } of views) {
    for (const entry of entries) {
      if (entry.type !== "tool" || entry.tool.kind !== "subagent") continue;
      const { prompt, threadIds } = entry.tool;
      if (prompt) for (const threadId of threadIds) yield [threadId, prompt];
    }
  }
}
