/**
 * Prints the script of axe-core, whose package is the argument; it is not part
 * of the program.
 */
const [axe = ""] = Deno.args;
const { default: { source } } = await import(axe);
await Deno.stdout.write(new TextEncoder().encode(source));
