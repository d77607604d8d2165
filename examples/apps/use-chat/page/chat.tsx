import { useChat } from "@ai-sdk/react";
import {
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  type DynamicToolUIPart,
  type UIMessage,
} from "ai";
import { useEffect, useState } from "react";

const transport = new DefaultChatTransport({
  api: "/api/chat",
  // Only the newest message counts: the thread knows what was said before.
  prepareSendMessagesRequest: ({ id, messages }) => ({
    body: { id, messages: messages.slice(-1) },
  }),
});

export function Chat({ id }: { id: string }) {
  const chat = useChat({
    id,
    transport,
    messages: messagesOf(id),
    resume: true, // a reload finds the turn that runs
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  const { messages, status, error } = chat;
  const [text, setText] = useState("");
  useEffect(() => sessionStorage.setItem(id, JSON.stringify(messages)), [id, messages]);

  const isAsking = messages.at(-1)?.parts.some(asks) ?? false;
  const isBusy = status === "submitted" || status === "streaming" || isAsking;
  const send = async () => {
    setText("");
    await chat.sendMessage({ text });
  };
  const stop = async () => {
    // Leaving (`chat.stop()`) would not stop the turn.
    const headers = { "content-type": "application/json" };
    await fetch(`/api/chat/${id}/stop`, { method: "POST", headers, body: "{}" });
    if (isAsking) await chat.resumeStream();
  };

  return (
    <>
      {messages.map((message) => (
        <article key={message.id} className={message.role}>
          {message.parts.map((part, index) => {
            if (part.type === "text" && !part.providerMetadata?.["codex"]?.["reset"])
              return <p key={index}>{part.text}</p>;
            if (part.type === "dynamic-tool")
              return <Call key={index} call={part} answer={chat.addToolApprovalResponse} />;
            return null;
          })}
          <Usage message={message} />
        </article>
      ))}
      {error && <p role="alert">{error.message}</p>}
      <form onSubmit={(event) => (event.preventDefault(), void send())}>
        <input
          aria-label="Message"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button disabled={isBusy || text === ""}>Send</button>
        <button type="button" disabled={!isBusy} onClick={() => void stop()}>
          Stop
        </button>
      </form>
    </>
  );
}

type Answer = ReturnType<typeof useChat>["addToolApprovalResponse"];

/** A command, a change of files and so on: what is to be done, what came of it, and the buttons. */
function Call({ call, answer }: { call: DynamicToolUIPart; answer: Answer }) {
  const { command, ...input } = call.input as { command?: string };
  const { output } = (call.output ?? {}) as { output?: string };
  const choose = (approved: boolean) => {
    if (call.approval) void answer({ id: call.approval.id, approved });
  };
  return (
    <section aria-label={call.toolName}>
      <pre>
        {command ?? `${call.toolName} ${JSON.stringify(input)}`}
        {output && `\n${output}`}
        {call.state === "output-denied" && "\nrefused"}
        {call.state === "output-error" && `\n${call.errorText}`}
      </pre>
      {call.state === "approval-requested" && (
        <>
          <button onClick={() => choose(true)}>Allow</button>
          <button onClick={() => choose(false)}>Refuse</button>
        </>
      )}
    </section>
  );
}

function Usage({ message }: { message: UIMessage }) {
  const { usage } = (message.metadata ?? {}) as { usage?: { input: number; output: number } };
  return usage ? <small>{`${usage.input} tokens in, ${usage.output} out`}</small> : null;
}

function asks(part: UIMessage["parts"][number]): boolean {
  return part.type === "dynamic-tool" && part.state === "approval-requested";
}

/** What this window has seen of the chat. */
function messagesOf(id: string): UIMessage[] {
  return JSON.parse(sessionStorage.getItem(id) ?? "[]") as UIMessage[];
}
