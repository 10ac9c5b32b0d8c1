/** Names whom spans are for, where that needs more than the conventions. */
export const TARGETS = ["langfuse"] as const;
export type Target = typeof TARGETS[number];
