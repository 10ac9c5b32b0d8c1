/** The pages of the one big File, fetched and thrown away: URL CONCURRENCY. Prints milliseconds. */
const [url = "", concurrency = ""] = Deno.args;
const headers = { "x-api-key": "hl_sk_0123456789" };
const startMs = performance.now();
let next = 1;
await Promise.all(Array.from({ length: Number(concurrency) }, async () => {
  while (next <= 200) {
    const query = `file_id=pr_0&page=${next++}&size=100`;
    const response = await fetch(`${url}/logs?${query}`, { headers });
    await response.arrayBuffer();
  }
}));
const tookMs = performance.now() - startMs;
await Deno.stdout.write(new TextEncoder().encode(String(tookMs)));
