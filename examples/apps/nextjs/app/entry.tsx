import type { ViewEntry } from "codex-app-server-sdk/browser";

interface EntryProps {
  readonly entry: ViewEntry;
  readonly answer: (key: string, decision: "accept" | "decline") => void;
}

/** One thing that a turn shows. Everything is text here: the model's words are nobody's HTML. */
export function Entry({ entry, answer }: EntryProps) {
  switch (entry.type) {
    case "user-message":
      return <p className="user">{entry.text}</p>;
    case "message":
      return <p>{entry.text}</p>;
    case "reasoning":
      return <p className="reasoning">{entry.sections.join("\n")}</p>;
    case "tool":
      return (
        <pre className={entry.status}>
          {entry.tool.kind === "command" ? `$ ${entry.tool.command}` : entry.tool.kind}
          {`\n${entry.output}`}
        </pre>
      );
    case "request":
      if (entry.outcome !== null) return null;
      return (
        <fieldset>
          <legend>May it do this?</legend>
          <pre>{JSON.stringify(entry.request, null, 2)}</pre>
          <button onClick={() => answer(entry.id, "accept")}>Allow</button>
          <button onClick={() => answer(entry.id, "decline")}>Decline</button>
        </fieldset>
      );
    default:
      return null;
  }
}
