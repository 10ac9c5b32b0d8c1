import { assert, assertEquals } from "@std/assert";
import { failureOf } from "../../src/cli/exit_codes.ts";
import {
  ApiError,
  AuthError,
  NetworkError,
  ProtocolError,
  StorageError,
  UsageError,
} from "../../src/core/errors.ts";

Deno.test("the exit code is chosen from the class of an error", () => {
  const errors = [
    new UsageError("x"),
    new AuthError("x"),
    new ApiError("x", { status: 500, retryable: true }),
    new NetworkError("x"),
    new ProtocolError("x"),
    new StorageError("x"),
    new DOMException("x", "AbortError"),
  ];
  assertEquals(
    errors.map(failureOf).map(({ code, state, message }) => [
      code,
      state,
      message,
    ]),
    [
      [2, "failed", "x"],
      [5, "refused", "x"],
      [3, "failed", "x"],
      [3, "failed", "x"],
      [3, "failed", "x"],
      [1, "failed", "x"],
      [130, "interrupted", "interrupted"],
    ],
  );
});

Deno.test("any other error is an internal one, with its trace", () => {
  for (const error of [new TypeError("x is not a function"), "text"]) {
    const { code, state, message } = failureOf(error);
    assertEquals([code, state], [1, "failed"]);
    assert(
      /^internal error, please report it: (TypeError|text)/.test(message),
      message,
    );
  }
});
