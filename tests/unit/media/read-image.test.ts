import { describe, expect, test } from "@jest/globals";
import { readImage } from "../../../lib/media/read-image.js";
import * as images from "../../support/images.js";

const wanted = "it must be a whole PNG, JPEG, GIF or WebP image";

describe("what the server shows to the model", () => {
  test.each(images.readable)("%s is known by its content", (_name, bytes, mediaType) => {
    expect(readImage(bytes)).toEqual({ mediaType });
  });

  test("an animation counts when it is whole", () => {
    const frame = Buffer.concat([Buffer.from("ANMF\x04\0\0\0", "latin1"), Buffer.alloc(4)]);
    const body = Buffer.concat([Buffer.from("WEBP"), frame]);
    const head = Buffer.from("RIFF....");
    head.writeUInt32LE(body.length, 4);
    const whole = Buffer.concat([head, body]);
    expect(readImage(whole)).toEqual({ mediaType: "image/webp" });
    expect(readImage(whole.subarray(0, -2))).toMatchObject({
      problem: expect.stringContaining("cut"),
    });
  });
});

describe("what the server leaves out", () => {
  test.each(images.unreadable)(
    "%s is refused, with the kinds that work",
    (_name, bytes, problem) => {
      expect(readImage(bytes)).toEqual({ problem: expect.stringContaining(problem) });
      expect(readImage(bytes)).toEqual({ problem: expect.stringContaining(wanted) });
    },
  );

  test("so is every image, wherever it is cut before its picture is there", () => {
    const enough = {
      png: images.png.length - 4,
      gif: images.gif.length - 1,
      jpeg: images.jpeg.indexOf(Buffer.from([0xff, 0xda])) + 2,
      lossyWebp: images.lossyWebp.length - 1,
      losslessWebp: images.losslessWebp.length - 1,
    };
    for (const kind of ["png", "gif", "jpeg", "lossyWebp", "losslessWebp"] as const) {
      const whole = images[kind];
      for (let length = 0; length < enough[kind]; length += 1) {
        expect([length, readImage(whole.subarray(0, length))]).toEqual([
          length,
          { problem: expect.any(String) },
        ]);
      }
    }
  });

  test.each(images.damaged)("%s is not seen", (_name, bytes, mediaType) => {
    expect(readImage(bytes)).toEqual({ mediaType });
  });

  test("no bytes at all make it fail", () => {
    const random = Buffer.alloc(400, "a little noise \xff\xd8\xda\0\x2c\x21");
    for (const [, bytes] of images.readable) {
      for (let at = 0; at < bytes.length; at += 1) {
        const mixed = Buffer.concat([bytes.subarray(0, at), random]);
        expect(Object.keys(readImage(mixed))).toHaveLength(1);
      }
    }
  });
});
