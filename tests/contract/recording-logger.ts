import type { Logger } from "../../lib/async/logger.js";

export interface RecordingLogger extends Required<Logger> {
  /** What was logged, each line as `"level: message"`. */
  readonly lines: string[];
}

export function recordingLogger(): RecordingLogger {
  const lines: string[] = [];
  const record = (level: keyof Logger) => (message: string) => {
    lines.push(`${level}: ${message}`);
  };
  return {
    lines,
    debug: record("debug"),
    info: record("info"),
    warn: record("warn"),
    error: record("error"),
  };
}
