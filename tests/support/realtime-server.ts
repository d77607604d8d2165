import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";

export interface RealtimeServer extends AsyncDisposable {
  /** Where the app-server looks for it. */
  readonly url: string;
  /** The texts that were sent to the voice model, in order. */
  readonly heard: readonly string[];
}

interface Message {
  readonly type: string;
  readonly item?: { readonly content?: readonly { readonly text?: string }[] };
}

/**
 * A voice model on the loopback: when the session is set up, it says "Hello" once, as text and as
 * sound; after that it listens.
 */
export async function startRealtimeServer(): Promise<RealtimeServer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const heard: string[] = [];
  server.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => {
      const { type, item } = JSON.parse(data.toString()) as Message;
      if (type === "session.update") greet(socket);
      if (type === "conversation.item.create") heard.push(item?.content?.[0]?.text ?? "");
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}`,
    heard,
    [Symbol.asyncDispose]: async () => {
      for (const socket of server.clients) socket.terminate();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

function greet(socket: WebSocket): void {
  const item = { id: "greeting", type: "message", role: "assistant", content: [] };
  const sound = Buffer.alloc(4).toString("base64");
  for (const message of [
    { type: "session.updated", session: { id: "session" } },
    { type: "conversation.item.added", item },
    { type: "response.created", response: { id: "answer" } },
    { type: "response.output_text.delta", delta: "Hel", item_id: item.id },
    { type: "response.output_text.delta", delta: "lo", item_id: item.id },
    { type: "response.output_audio.delta", delta: sound, item_id: item.id },
    { type: "response.output_text.done", text: "Hello", item_id: item.id },
    { type: "conversation.item.done", item },
    { type: "response.done", response: { id: "answer" } },
  ]) {
    socket.send(JSON.stringify(message));
  }
}
