import { extname } from "node:path";
import type { DataUrl } from "./data-url.js";
import type { ReadMedia } from "./read-image.js";

/** The sounds that codex 0.169.0 takes: the end of a file's name, and the media type. */
const typeOfExtension: Readonly<Record<string, string>> = {
  ".wav": "audio/wav",
  ".mp3": "audio/mpeg",
  ".m4a": "audio/mp4",
  ".webm": "audio/webm",
  ".ogg": "audio/ogg",
};

/** And by the media type of a `data:` URL. It does not look into the sound itself. */
const mediaTypes: readonly string[] = [
  ...Object.values(typeOfExtension),
  "audio/m4a",
  "audio/mp3",
  "audio/vnd.wave",
  "audio/wave",
  "audio/x-m4a",
  "audio/x-wav",
];

/** Judges a sound file by its name; the problem goes behind the name of what holds it. */
export function readAudioName(path: string): ReadMedia {
  const mediaType = typeOfExtension[extname(path).toLowerCase()];
  if (mediaType !== undefined) return { mediaType };
  return {
    problem: "must end in .wav, .mp3, .m4a, .webm or .ogg; the server leaves out other sounds",
  };
}

/** Judges a sound by what its URL says of it. */
export function readSound({ mediaType, bytes }: DataUrl): ReadMedia {
  if (bytes.length === 0) return { problem: "is empty" };
  const [name = ""] = mediaType.split(";", 1);
  if (mediaTypes.includes(name.trim().toLowerCase())) return { mediaType };
  return {
    problem:
      "has a media type that the server leaves out; it must be audio/wav, audio/mpeg, " +
      "audio/mp4, audio/webm or audio/ogg",
  };
}
