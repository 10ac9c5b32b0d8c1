/**
 * Records in one chunk on disk. The tree promises it, and every page size divides
 * it, so that no page lies across two chunks.
 */
export const CHUNK_RECORDS = 1000;
