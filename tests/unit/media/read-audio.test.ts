import { expect, test } from "@jest/globals";
import { readAudioName, readSound } from "../../../lib/media/read-audio.js";
import { wav } from "../../support/images.js";

test.each([
  ["a.wav", "audio/wav"],
  ["/sounds/a.b.MP3", "audio/mpeg"],
  ["a.m4a", "audio/mp4"],
  ["a.WebM", "audio/webm"],
  ["a.ogg", "audio/ogg"],
])("a file %s is a sound of type %s", (path, mediaType) => {
  expect(readAudioName(path)).toEqual({ mediaType });
});

test.each(["a", "wav", "a.flac", "a.aac", "a.opus", "a.mp4", "a.wav.txt"])(
  "a file %s is refused, as the server goes by names",
  (path) => {
    expect(readAudioName(path)).toEqual({ problem: expect.stringContaining("must end in .wav") });
  },
);

test.each(["audio/wav", "AUDIO/WAV", "audio/ogg;codecs=opus", "audio/x-m4a"])(
  "a sound of type %s passes",
  (mediaType) => {
    expect(readSound({ mediaType, bytes: wav })).toEqual({ mediaType });
  },
);

test.each(["audio/flac", "audio/aac", "video/webm", "image/png", ""])(
  "a sound of type %j is refused",
  (mediaType) => {
    const problem = expect.stringContaining("must be audio/wav");
    expect(readSound({ mediaType, bytes: wav })).toEqual({ problem });
  },
);

test("an empty sound is refused", () => {
  expect(readSound({ mediaType: "audio/wav", bytes: Buffer.alloc(0) })).toEqual({
    problem: "is empty",
  });
});
