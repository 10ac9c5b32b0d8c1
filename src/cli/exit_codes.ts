/** The exit codes, documented in `--help` and the README. */
export const EXIT = {
  complete: 0,
  /** A defect of this program, or the disk refused. */
  internalError: 1,
  usage: 2,
  incomplete: 3,
  /** `verify` found something wrong. */
  verifyFailed: 4,
  authFailed: 5,
  interrupted: 130,
} as const;
