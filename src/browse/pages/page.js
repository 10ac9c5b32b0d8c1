// Copies ids, and puts the focus into the search at "/". The pages work without it.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  });
}
document.addEventListener("keydown", (event) => {
  const search = document.querySelector("input[type=search]");
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(
    document.activeElement?.tagName ?? "",
  );
  if (event.key !== "/" || isTyping) return;
  event.preventDefault();
  search.focus();
});
