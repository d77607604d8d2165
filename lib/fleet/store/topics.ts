import { encodeId } from "./encode-id.js";

/** What news of a stream come under. */
export function streamTopic(id: string): string {
  return `stream:${encodeId("id", id)}`;
}

/** What news of a job's commands and their outcomes come under. */
export function jobTopic(jobId: string): string {
  return `job:${encodeId("jobId", jobId)}`;
}
