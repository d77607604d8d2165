import { hostname, userInfo } from "node:os";

/** What a recording must not show, and what stands for it. */
export interface Places {
  readonly codexHome: string;
  readonly project: string;
}

const baseMs = Date.parse("2026-01-01T00:00:00Z");
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gu;

/** Whole values by the name of their field: the machine's name, and a prompt that is not ours. */
const fixed: Readonly<Record<string, string>> = {
  serverName: "host",
  developer_instructions: "Instructions of the mode.",
};

/**
 * Replaces what belongs to this machine and to this run: paths, names, ids, and clock times, which
 * keep their distances. The same value always becomes the same placeholder within one recording.
 */
export class Sanitiser {
  readonly #ids = new Map<string, string>();
  // Whole seconds, so that times in seconds and in milliseconds move alike.
  readonly #startedMs = Math.floor(Date.now() / 1_000) * 1_000;
  readonly #replacements: readonly (readonly [RegExp | string, string])[];

  constructor({ codexHome, project }: Places) {
    this.#replacements = [
      [project, "/home/user/project"],
      [codexHome, "/home/user/.codex"],
      [/127\.0\.0\.1:\d+/gu, "127.0.0.1:8080"],
      [
        /sessions\/\d+\/\d+\/\d+\/rollout-[\dT-]+?-(?=00000000-)/gu,
        "sessions/2026/01/01/rollout-2026-01-01T00-00-00-",
      ],
      [/(\/\d+\.\d+\.\d+) \([^)]*\) \S+ \(/gu, "$1 (Linux 6.1.0; x86_64) xterm ("],
      ...[hostname(), userInfo().username]
        .filter((name) => name.length > 4)
        .map((name) => [name, "user"] as const),
    ];
  }

  clean(value: unknown, key = ""): unknown {
    if (typeof value === "string") return fixed[key] ?? this.#text(value);
    if (typeof value === "number") return this.#number(value);
    if (Array.isArray(value)) return value.map((entry) => this.clean(entry));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, entry]) => [this.#text(name), this.clean(entry, name)]),
    );
  }

  #text(value: string): string {
    const withIds = value.replace(uuid, (id) => this.#id(id));
    return this.#replacements.reduce((text, [from, to]) => text.replaceAll(from, to), withIds);
  }

  /** Ids keep their shape and are numbered as they appear. */
  #id(id: string): string {
    const known = this.#ids.get(id);
    if (known !== undefined) return known;
    const tail = String(this.#ids.size + 1).padStart(12, "0");
    const made = `00000000-0000-7000-8000-${tail}`;
    this.#ids.set(id, made);
    return made;
  }

  #number(value: number): number {
    const day = 86_400_000;
    const offset = this.#startedMs - baseMs;
    if (Math.abs(value - this.#startedMs) < day) return value - offset;
    if (Math.abs(value * 1_000 - this.#startedMs) < day) return value - offset / 1_000;
    return value;
  }
}
