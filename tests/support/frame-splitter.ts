/** One frame, or the HTTP part before the first: what it is on the wire, and what it says. */
export interface Frame {
  readonly bytes: Buffer;
  readonly text: string;
}

/** Splits one direction of a WebSocket connection into its frames. */
export class FrameSplitter {
  #unread: Buffer = Buffer.alloc(0);
  #upgraded = false;

  push(chunk: Buffer): Frame[] {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    const frames: Frame[] = [];
    for (let length = this.#nextLength(); length > 0; length = this.#nextLength()) {
      const bytes = this.#unread.subarray(0, length);
      this.#unread = this.#unread.subarray(length);
      frames.push({ bytes, text: this.#upgraded ? payloadOf(bytes) : "" });
      this.#upgraded = true;
    }
    return frames;
  }

  /** The length of the next frame, or 0 when it is not here yet. */
  #nextLength(): number {
    if (!this.#upgraded) {
      const end = this.#unread.indexOf("\r\n\r\n");
      return end === -1 ? 0 : end + 4;
    }
    const header = headerOf(this.#unread);
    const length = header ? header.start + header.length : Infinity;
    return length <= this.#unread.length ? length : 0;
  }
}

interface Header {
  /** Where the payload starts, and how long it is (bytes). */
  readonly start: number;
  readonly length: number;
  readonly masked: boolean;
}

function headerOf(bytes: Buffer): Header | undefined {
  if (bytes.length < 2) return undefined;
  const second = bytes.readUInt8(1);
  const masked = (second & 0x80) !== 0;
  const code = second & 0x7f;
  const extra = code === 126 ? 2 : code === 127 ? 8 : 0;
  const start = 2 + extra + (masked ? 4 : 0);
  if (bytes.length < start) return undefined;
  const length =
    code === 126 ? bytes.readUInt16BE(2) : code === 127 ? Number(bytes.readBigUInt64BE(2)) : code;
  return { start, length, masked };
}

function payloadOf(frame: Buffer): string {
  const header = headerOf(frame);
  if (!header) return "";
  const { start, masked } = header;
  const payload = frame.subarray(start);
  if (!masked) return payload.toString("utf8");
  const key = frame.subarray(start - 4, start);
  return Buffer.from(payload.map((byte, index) => byte ^ (key[index % 4] ?? 0))).toString("utf8");
}
