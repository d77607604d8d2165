import { WebProblemError } from "codex-app-server-sdk/browser";
import {
  followTurn,
  listThreads,
  readThread,
  sendAnswer,
  startThread,
  startTurn,
  steerTurn,
  stopTurn,
  type Answer,
} from "./api.js";
import { byId, element } from "./element.js";
import { TurnElement } from "./turn-element.js";

const log = byId("log");
const state = byId("state");
const problem = byId("problem");
const input = byId<HTMLTextAreaElement>("input");
const send = byId<HTMLButtonElement>("send");
const stop = byId<HTMLButtonElement>("stop");
const menu = byId<HTMLButtonElement>("menu");
const threads = byId("threads");

/** The conversation that is shown; its address is the page's, so that a reload finds it. */
let threadId: string | null = null;
/** The stream of the turn that runs here. */
let running: string | null = null;
/** Aborts what belongs to the conversation that is shown, when another one is. */
let leaving = new AbortController();

async function open(id: string | null): Promise<void> {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  threadId = id;
  log.replaceChildren();
  problem.hidden = true;
  byId("usage").textContent = "";
  setRunning(null);
  const history = id === null ? undefined : await readThread(id);
  if (signal.aborted) return;
  byId("title").textContent = history?.title ?? "New conversation";
  for (const parts of history?.turns ?? []) {
    const turn = new TurnElement(() => Promise.resolve(), scroll);
    log.append(turn.element);
    for (const part of parts) turn.apply(part);
  }
  markCurrent();
  for (const running of history?.running ?? []) void follow(running);
}

async function follow(id: string): Promise<void> {
  const { signal } = leaving;
  const reply = (answer: Answer): Promise<void> => attempt(sendAnswer(id, answer), true);
  const turn = new TurnElement(reply, () => {
    scroll();
    showUsage(turn);
  });
  log.append(turn.element);
  setRunning(id);
  try {
    const parts = followTurn(id, signal, () => {
      say("Reconnecting…");
    });
    for await (const part of parts) {
      if (state.textContent !== "Works…") say("Works…");
      turn.apply(part);
    }
  } catch (error) {
    if (!signal.aborted) tell(error);
  } finally {
    if (!signal.aborted) setRunning(null);
  }
  if (!signal.aborted) await attempt(showThreads());
}

async function submit(): Promise<void> {
  const text = input.value.trim();
  if (text === "") return;
  problem.hidden = true;
  input.value = "";
  try {
    if (running !== null) {
      await steerTurn(running, text);
      return;
    }
    if (threadId === null) {
      threadId = (await startThread()).threadId;
      history.pushState(null, "", `?thread=${encodeURIComponent(threadId)}`);
    }
    void follow(await startTurn(threadId, text));
  } catch (error) {
    // What could not be sent is not lost.
    input.value = text;
    throw error;
  }
}

async function showThreads(): Promise<void> {
  const items = (await listThreads()).map(({ threadId: id, title }) => {
    const button = element("button", { type: "button" }, title ?? "New conversation");
    button.dataset["id"] = id;
    button.onclick = () => {
      toggleMenu(false);
      history.pushState(null, "", `?thread=${encodeURIComponent(id)}`);
      void attempt(open(id));
    };
    return element("li", {}, button);
  });
  byId("list").replaceChildren(...items);
  markCurrent();
}

function markCurrent(): void {
  for (const button of byId("list").querySelectorAll("button")) {
    const isCurrent = button.dataset["id"] === threadId;
    button.setAttribute("aria-current", String(isCurrent));
    if (isCurrent) byId("title").textContent = button.textContent;
  }
}

function setRunning(id: string | null): void {
  running = id;
  stop.hidden = id === null;
  stop.disabled = false;
  send.textContent = id === null ? "Send" : "Steer";
  say(id === null ? "" : "Works…");
}

function showUsage({ view }: TurnElement): void {
  const { usage } = view;
  if (!usage) return;
  const { input: read, output } = usage.turn;
  byId("usage").textContent = `${read.toLocaleString()} tokens in, ${output.toLocaleString()} out`;
}

function say(text: string): void {
  state.textContent = text;
}

/** Shows what went wrong; with `rethrow`, also tells the caller. */
async function attempt(work: Promise<void>, rethrow = false): Promise<void> {
  try {
    await work;
  } catch (error) {
    tell(error);
    if (rethrow) throw error;
  }
}

function tell(error: unknown): void {
  problem.textContent =
    error instanceof WebProblemError ? error.problem.title : "The server cannot be reached.";
  problem.hidden = false;
}

/** Goes down with what comes, unless somebody has scrolled up to read. */
function scroll(): void {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 120;
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function toggleMenu(isOpen: boolean): void {
  threads.classList.toggle("open", isOpen);
  menu.setAttribute("aria-expanded", String(isOpen));
}

function halt(): void {
  if (running === null) return;
  stop.disabled = true;
  void attempt(stopTurn(running));
}

byId<HTMLFormElement>("form").onsubmit = (event) => {
  event.preventDefault();
  void attempt(submit());
};
input.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  void attempt(submit());
};
document.onkeydown = (event) => {
  if (event.key !== "Escape") return;
  if (threads.classList.contains("open")) toggleMenu(false);
  else halt();
};
stop.onclick = halt;
menu.onclick = () => {
  toggleMenu(!threads.classList.contains("open"));
};
byId("new").onclick = () => {
  toggleMenu(false);
  history.pushState(null, "", location.pathname);
  void attempt(open(null));
  input.focus();
};
window.onpopstate = () => {
  void attempt(open(new URLSearchParams(location.search).get("thread")));
};

// Last, so that the page listens to its user from the start.
await attempt(open(new URLSearchParams(location.search).get("thread")));
await attempt(showThreads());
