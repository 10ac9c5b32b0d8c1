/** Lists the targets that need more than the conventions. */
export const TARGETS = ["langfuse"] as const;
export type Target = typeof TARGETS[number];
