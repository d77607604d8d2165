"use client";

import { post, readTurn, TurnView } from "codex-app-server-sdk/browser";
import { useRef, useState, type FormEvent } from "react";
import { Entry } from "./entry";

/** A conversation: it begins with the first message. */
export function Chat() {
  const [turns, setTurns] = useState<ReadonlyMap<string, TurnView>>(new Map());
  const [problem, setProblem] = useState("");
  const thread = useRef<string>(undefined);
  const [running] = [...turns].find(([, { end }]) => end === null) ?? [];

  async function ask(input: string): Promise<void> {
    thread.current ??= ((await post("/api/threads", {})) as { threadId: string }).threadId;
    const started = await post(`/api/threads/${thread.current}/turns`, { input });
    const { turnId, events } = started as { turnId: string; events: string };
    let view = TurnView.empty;
    for await (const part of readTurn(events)) {
      view = TurnView.apply(view, part);
      setTurns((all) => new Map(all).set(turnId, view));
    }
  }

  function attempt(done: Promise<unknown>): void {
    setProblem("");
    done.catch((error: unknown) => setProblem(String(error)));
  }

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = event.currentTarget;
    const message = String(new FormData(form).get("message"));
    form.reset();
    attempt(ask(message));
  }

  return (
    <main>
      <div role="log">
        {[...turns].map(([turnId, { entries, end }]) => (
          <section key={turnId}>
            {entries.map((entry, index) => (
              <Entry
                key={index}
                entry={entry}
                answer={(key, decision) =>
                  attempt(post(`/api/turns/${turnId}/answers`, { key, decision }))
                }
              />
            ))}
            {end?.error && <p role="alert">{end.error.title}</p>}
            {end?.status === "interrupted" && <p>Stopped.</p>}
          </section>
        ))}
      </div>
      {problem && <p role="alert">{problem}</p>}
      <form onSubmit={submit}>
        <input name="message" aria-label="Message" autoComplete="off" required />
        {running === undefined ? (
          <button>Send</button>
        ) : (
          <button
            type="button"
            onClick={() => attempt(post(`/api/turns/${running}/interrupt`, {}))}
          >
            Stop
          </button>
        )}
      </form>
    </main>
  );
}
